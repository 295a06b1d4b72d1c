//! Imports inside `newton` run one way.
//!
//! A text scan, not a compiler. It sees every `crate::..` and `super::..` path outside comments and outside a
//! `#[cfg(test)]` module at the end of a file, with nested groups and names that `lib.rs` re-exports. It does not see
//! paths made by macros, nor `super` inside a module that stands inside a file.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::sources;

/// What each module may import. Whoever is listed may be used by all later ones; exceptions stand at the end.
const ORDER: [&str; 12] = [
    "domain",
    "store",
    "repository",
    "subscription",
    "server",
    "projection",
    "saga",
    "service",
    "causality",
    "bus",
    "registry",
    "app",
];

/// Modules beside the order, and what they may import.
const BESIDE: [(&str, &[&str]); 6] = [
    // The error type carries the coordinates of the domain and of a state record.
    ("error", &["domain", "store"]),
    ("sync", &[]),
    ("muon", &["error", "sync"]),
    ("testkit", &ANY),
    ("prelude", &ANY),
    ("__private", &ANY),
];

const ANY: [&str; 15] = [
    "domain",
    "store",
    "repository",
    "subscription",
    "server",
    "projection",
    "saga",
    "service",
    "causality",
    "bus",
    "registry",
    "app",
    "muon",
    "error",
    "sync",
];

/// Neighbours in the order of which the later must not use the earlier all the same.
const APART: [(&str, &str); 6] = [
    ("saga", "projection"),
    ("service", "projection"),
    ("service", "saga"),
    ("projection", "server"),
    ("saga", "server"),
    ("service", "server"),
];

/// Where Muon and the log meet: the stores of other services, and what serves them.
const JOINTS: [&str; 3] = ["store/muon", "server", "app"];

fn is_allowed(from: &str, to: &str) -> bool {
    if from == to || from == "lib" {
        return true;
    }
    if let Some((_, allowed)) = BESIDE.iter().find(|(module, _)| *module == from) {
        return allowed.contains(&to);
    }
    let place = |module| ORDER.iter().position(|other| *other == module);
    match (place(from), place(to)) {
        (Some(from_place), Some(to_place)) => to_place < from_place && !APART.contains(&(from, to)),
        (Some(_), None) => matches!(to, "error" | "sync"),
        (None, _) => false,
    }
}

/// The names that `lib.rs` re-exports, and the module of each.
fn re_exports(lib: &str) -> BTreeMap<String, String> {
    let lib = without_comments_and_tests(lib);
    let mut names = BTreeMap::new();
    for statement in lib.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next()) {
        let Some((module, group)) = statement.split_once("::") else { continue };
        // A derive has the name of its trait, and is no module of this crate.
        if module == "newton_macros" {
            continue;
        }
        for name in group.trim_matches(['{', '}']).split(',').map(str::trim) {
            let name = name.rsplit([':', ' ', '{']).next().unwrap_or(name);
            names.insert(name.to_owned(), module.to_owned());
        }
    }
    names
}

fn without_comments_and_tests(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .fold(String::new(), |text, line| text + line + "\n")
}

/// The first names behind every `prefix` in `code`: one, or those of a group.
fn first_names(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (start, _) in code.match_indices(prefix) {
        let is_word_end = code[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        let rest = &code[start + prefix.len()..];
        match rest.strip_prefix('{') {
            _ if is_word_end => {}
            Some(group) => names.extend(group_names(group)),
            // An exported macro belongs to no module.
            None if rest[identifier(rest).len()..].starts_with(['!', ']']) => {}
            None => names.push(identifier(rest)),
        }
    }
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first names of the entries of a group, which starts behind its brace.
fn group_names(group: &str) -> Vec<String> {
    let (mut depth, mut entry, mut names) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => names.push(identifier(std::mem::take(&mut entry).trim())),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                entry.push(c);
            }
        }
    }
    names.push(identifier(entry.trim()));
    names.retain(|name| !name.is_empty());
    names
}

/// The names that a file below `newton/src` uses from the root of the crate.
fn root_names(file: &Path, source: &str) -> Vec<String> {
    let code = without_comments_and_tests(source);
    let mut depth = file.components().count();
    if file.ends_with("mod.rs") {
        depth -= 1;
    }
    let to_root = "super::".repeat(depth);
    let mut names = first_names(&code, "crate::");
    names.extend(first_names(&code, &to_root));
    names.retain(|name| name != "super" && name != "self");
    names
}

/// The forbidden imports of a file below `newton/src`, each as a sentence.
fn violations(file: &Path, source: &str, re_exports: &BTreeMap<String, String>) -> Vec<String> {
    let Some(Component::Normal(first)) = file.components().next() else { return Vec::new() };
    let from = first.to_str().unwrap().trim_end_matches(".rs");
    let is_test =
        file.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")));
    let names = if is_test { Vec::new() } else { root_names(file, source) };
    let is_joint =
        JOINTS.iter().any(|joint| file.starts_with(joint) || file == Path::new(&format!("{joint}.rs")));
    names
        .into_iter()
        .map(|name| re_exports.get(&name).cloned().unwrap_or(name))
        .filter(|to| !(is_allowed(from, to) || (is_joint && to == "muon")))
        .map(|to| format!("{}: `{from}` imports `{to}`", file.display()))
        .collect()
}

#[test]
fn imports_run_one_way() {
    let files: Vec<_> = sources()
        .into_iter()
        .filter_map(|(path, source)| Some((path.strip_prefix("newton/src").ok()?.to_owned(), source)))
        .collect();
    let lib = &files.iter().find(|(path, _)| path == Path::new("lib.rs")).unwrap().1;
    let re_exports = re_exports(lib);
    assert_eq!(re_exports["StreamName"], "domain");
    let found: Vec<_> =
        files.iter().flat_map(|(path, source)| violations(path, source, &re_exports)).collect();
    assert!(found.is_empty(), "see the order in CONTRIBUTING.md:\n{}", found.join("\n"));
    let names: usize = files.iter().map(|(path, source)| root_names(path, source).len()).sum();
    assert!(names > 20, "the scan sees only {names} imports; it is broken");
}

#[test]
fn made_up_violations_are_found() {
    let re_exports = re_exports("pub use app::{App, Builder as Newton};\npub use error::Error;\n");
    let found = |file: &str, source: &str| violations(Path::new(file), source, &re_exports).len();
    let cases = [
        ("domain/event.rs", "use crate::store::Append;"),
        ("domain/event.rs", "fn f() -> crate::store::Append {}"),
        ("domain/event.rs", "use super::super::store;"),
        ("domain/mod.rs", "use super::store;"),
        ("domain/event.rs", "use crate::{error::Error, store::{Append, Read}};"),
        ("domain/event.rs", "use crate::{\n    Error,\n    App,\n};"),
        ("repository/load.rs", "use crate::Newton;"),
        ("saga/manager.rs", "use crate::projection::View;"),
        ("muon/codec.rs", "use crate::domain::Event;"),
        ("store/memory.rs", "use crate::muon::Message;"),
        ("projection/mod.rs", "use crate::server::Tokens;"),
        ("store/memory.rs", "use crate::testkit::VirtualClock;"),
        ("app.rs", "use crate::testkit::VirtualClock;"),
        ("novelty.rs", "use crate::domain::Event;"),
        ("domain/novelty.rs", "use crate::novelty::Thing;"),
    ];
    for (file, source) in cases {
        assert_eq!(found(file, source), 1, "{file}: {source}");
    }
}

#[test]
fn what_is_allowed_is_let_through() {
    let re_exports = re_exports("pub use error::{Error, Result};");
    let found = |file: &str, source: &str| violations(Path::new(file), source, &re_exports);
    let cases = [
        ("store/append.rs", "use crate::domain::Event;\nuse crate::{Error, Result};\nuse super::Read;"),
        ("store/sqlite/mod.rs", "use super::Read; use crate::store::{Append, sqlite::Writer};"),
        ("domain/event.rs", "/// See [`x`](crate::store::Append).\n// crate::app"),
        ("domain/event.rs", "use other_crate::store;"),
        ("store/muon/mod.rs", "use crate::muon::Muon;"),
        ("server/mod.rs", "use crate::{muon::Muon, subscription::Subscribe};"),
        ("store/memory.rs", "fn f() {}\n#[cfg(test)]\nmod tests { use crate::testkit::contract; }"),
        ("store/memory/tests.rs", "use crate::testkit::contract;"),
        ("testkit/mod.rs", "use crate::app::App; $crate::__promises!(x);"),
        ("lib.rs", "use crate::app::App;"),
    ];
    for (file, source) in cases {
        assert_eq!(found(file, source), Vec::<String>::new());
    }
}
