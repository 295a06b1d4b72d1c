//! The tour shows what it says.

#![allow(clippy::unwrap_used, reason = "a failing test panics")]

use std::process::Command;

#[test]
fn the_tour_shows_every_part() {
    let output = Command::new(env!("CARGO_BIN_EXE_views")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    for part in [
        "  ada         70\n  grace       50\n  worth in all: 11500 cents",
        "the others go on, worth in all: 14500 cents",
        "2 events of bank/Account/mei are parked: no rate for CNY",
        "tried again with a rate: 2 handled, worth in all: 21000 cents",
        "the table is there: 21000 cents",
        "built anew: 3 accounts",
        "Done: 407 events, at 407 of 407",
        "worth in all: 40750 cents",
    ] {
        assert!(shown.contains(part), "`{part}` is missing:\n{shown}");
    }
}
