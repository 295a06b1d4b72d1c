//! The binary itself, without a broker: what it says and how it ends.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::net::TcpListener;
use std::process::{Command, Output};

fn newton(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_newton"));
    command.args(arguments).env_remove("NEWTON_AMQP_URL").output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_is_for_newcomers() {
    let help = newton(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for word in ["Examples:", "Exit codes:", "NEWTON_AMQP_URL", "discover", "serve"] {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
    for command in ["discover", "introspect", "rpc", "stream", "emit", "replay", "serve"] {
        let help = newton(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0), "{command}");
    }
}

#[test]
fn help_shows_no_password() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_newton"));
    let help =
        command.arg("serve").arg("--help").env("NEWTON_AMQP_URL", "amqp://u:secret@localhost").output();
    assert!(!text(&help.unwrap().stdout).contains("secret"));
}

#[test]
fn wrong_usage_is_told_apart() {
    let wrong: [&[&str]; 6] = [
        &[],
        &["dance"],
        &["discover"],
        &["replay"],
        &["discover", "--amqp", "amqp://u:secret@broker.example"],
        &["replay", "users", "--amqp", "amqp://u:secret@localhost", "--token-file", "/there/is/none"],
    ];
    for arguments in wrong {
        let ended = newton(arguments);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
        assert!(ended.stdout.is_empty() && !text(&ended.stderr).contains("secret"), "{arguments:?}");
    }
}

#[test]
fn a_broker_that_is_not_there_is_a_failure() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("amqp://u:secret@127.0.0.1:{port}");
    for command in [&["discover"][..], &["serve", "--store", "memory:"]] {
        let ended = newton(&[command, &["--amqp", &url]].concat());
        assert_eq!(ended.status.code(), Some(3), "{command:?}: {}", text(&ended.stderr));
        assert!(!text(&ended.stderr).contains("secret"), "{command:?}");
    }
}
