//! The README tells the truth: its code is the examples', and its commands can be found by CI.

use std::fs;

use newton_tests::workspace_root;

const MAX_ACCOUNT_LINES: usize = 46;

/// The code blocks of the README in this language, without their fences.
fn blocks(language: &str) -> Vec<String> {
    let readme = fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let opening = format!("\n```{language}\n");
    readme.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

fn account() -> String {
    fs::read_to_string(workspace_root().join("examples/bank/src/account.rs")).unwrap()
}

/// Lines that are neither blank nor imports.
fn counted(source: &str) -> usize {
    source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("use ")).count()
}

#[test]
fn the_account_is_the_examples() {
    let account = account();
    let (_, code) = account.split_once("\n\n").unwrap();
    assert_eq!(blocks("rust"), [code], "copy examples/bank/src/account.rs into README.md");
}

#[test]
fn the_scenario_is_one_of_the_examples() {
    let tests = fs::read_to_string(workspace_root().join("examples/bank/src/account_tests.rs")).unwrap();
    let without_spaces = |text: &str| text.split_whitespace().collect::<String>();
    let snippet = &blocks("rust,ignore")[0];
    assert!(snippet.starts_with("Scenario::<Account>"));
    assert!(
        without_spaces(&tests).contains(&without_spaces(snippet)),
        "no such scenario in account_tests.rs"
    );
}

#[test]
fn the_saga_and_the_view_are_parts_of_the_example() {
    for (index, file) in [(2, "fulfilment.rs"), (3, "order_table.rs")] {
        let source = fs::read_to_string(workspace_root().join("examples/orders/src").join(file)).unwrap();
        let snippet = &blocks("rust,ignore")[index];
        let parts: Vec<&str> = snippet.split("\n\n").collect();
        assert!(parts.len() > 1, "{snippet}");
        for part in parts {
            assert!(source.contains(part), "not a part of {file}:\n{part}");
        }
    }
}

#[test]
fn the_account_is_short() {
    let lines = counted(&account());
    assert!(lines <= MAX_ACCOUNT_LINES, "the account has {lines} lines, {MAX_ACCOUNT_LINES} are promised");
    assert_eq!(counted("//! Doc.\n\nuse a::b;\nfn f() {\n    use c::d;\n}\n"), 3);
}

#[test]
fn the_shell_blocks_are_what_ci_runs() {
    assert_eq!(blocks("sh")[0], "cargo run -p bank\ncargo test --workspace\n");
    assert_eq!(blocks("sh")[1], "cargo run -p orders\ncargo run -p views\n");
}
