//! The program as its users run it, on a file of its own.

#![allow(clippy::unwrap_used, reason = "a failing test panics")]

use std::process::{Command, Output};

use tempfile::TempDir;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Runs the program in a folder of its own, with the default store.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut bank = Command::new(env!("CARGO_BIN_EXE_bank"));
        bank.current_dir(&self.0).env_remove("BANK_STORE").args(arguments).output().unwrap()
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn stopped(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn the_demo_continues_where_it_was() {
    let desk = Desk::new();
    let first = desk.done(&[]);
    for part in [
        "no accounts yet",
        "opened `ada` for Ada Lovelace",
        "refused: account `charles` holds only 20",
        "ada                    70",
        "    3  ",
    ] {
        assert!(first.contains(part), "`{part}` is missing:\n{first}");
    }
    assert!(desk.0.path().join("bank.db").exists());
    let second = desk.done(&[]);
    for part in [
        "account `ada` is open already, so it goes on where it was",
        "ada                    70",
        "ada                   140",
        "refused: account `charles` holds only 40",
        "    5  ",
    ] {
        assert!(second.contains(part), "`{part}` is missing:\n{second}");
    }
}

#[test]
fn each_command_is_a_program_run_of_its_own() {
    let desk = Desk::new();
    desk.done(&["open", "ada", "Ada Lovelace"]);
    desk.done(&["deposit", "ada", "50"]);
    desk.done(&["withdraw", "ada", "8"]);
    assert_eq!(desk.done(&["balance", "ada"]), "ada                    42\n");
    assert_eq!(desk.done(&["balance"]), "ada                    42\n");
    let history = desk.done(&["history", "ada"]);
    let events: Vec<_> = history.lines().map(|line| line.splitn(4, "  ").last().unwrap().trim()).collect();
    assert_eq!(events.len(), 3, "{history}");
    assert!(
        events[0].ends_with("opened for Ada Lovelace") && events[2].ends_with("withdrawn 8"),
        "{history}"
    );
}

#[test]
fn refusals_are_friendly_and_change_nothing() {
    let desk = Desk::new();
    assert!(desk.stopped(1, &["deposit", "ada", "1"]).contains("open it with `bank open ada <OWNER>`"));
    assert!(desk.stopped(1, &["balance", "ada"]).contains("there is no account `ada`"));
    assert!(desk.stopped(1, &["history", "ada"]).contains("there is no account `ada`"));
    desk.done(&["open", "ada", "Ada"]);
    assert_eq!(desk.stopped(1, &["open", "ada", "Eve"]), "refused: account `ada` is open already\n");
    assert_eq!(desk.stopped(1, &["withdraw", "ada", "1"]), "refused: account `ada` holds only 0\n");
    assert_eq!(desk.done(&["history", "ada"]).lines().count(), 1);
}

#[test]
fn wrong_usage_and_failures_have_codes_of_their_own() {
    let desk = Desk::new();
    assert!(desk.stopped(2, &["deposit", "ada", "0"]).contains("0 is not in 1..=1000000000000"));
    assert!(desk.stopped(3, &["open", "a/b", "Ada"]).contains("cannot contain `/`"));
    assert!(desk.stopped(3, &["--store", "tape://reel", "balance"]).contains("tape"));
    assert!(desk.done(&["--help"]).contains("Exit codes:"));
}

#[test]
fn the_store_is_chosen_on_the_command_line() {
    let desk = Desk::new();
    desk.done(&["--store", "memory:"]);
    assert!(!desk.0.path().join("bank.db").exists());
    desk.done(&["--store", "sqlite://other.db", "open", "ada", "Ada"]);
    assert!(desk.0.path().join("other.db").exists());
}
