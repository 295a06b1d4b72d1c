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
        let mut orders = Command::new(env!("CARGO_BIN_EXE_orders"));
        orders
            .current_dir(&self.0)
            .env_remove("ORDERS_STORE")
            .env_remove("NEWTON_AMQP_URL")
            .args(arguments)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing:\n{text}");
    }
}

#[test]
fn the_demo_continues_where_it_was() {
    let desk = Desk::new();
    has(
        &desk.done(&[]),
        &[
            "order `o-1` is on its way to 12 Analytical Lane",
            "the fulfilment of `o-2`: Compensated",
            "completed  paid 1, refunded 0, shipped 1",
            "cancelled  paid 1, refunded 1, shipped 0",
            "cancelled  paid 0, refunded 0, shipped 0",
            "in all            120",
            "event PaymentReceived: sends ShipmentShip",
        ],
    );
    has(&desk.done(&[]), &["the fulfilment of `o-4`: Ended", "in all            240"]);
}

#[test]
fn an_order_goes_its_way_over_several_runs() {
    let desk = Desk::new();
    desk.done(&["place", "o-1", "ada", "12 Analytical Lane", "120"]);
    has(&desk.done(&["saga", "o-1"]), &["Running", "event OrderPlaced: sends PaymentRequest"]);
    desk.done(&["pay", "o-1"]);
    has(&desk.done(&["list"]), &["completed  paid 1, refunded 0, shipped 1"]);
    let diagram = desk.done(&["why", "o-1"]);
    has(&diagram, &["flowchart", "OrderPlaced", "PaymentReceived", "ShipmentShipped", "OrderCompleted"]);
}

#[test]
fn a_part_without_a_broker_is_wrong_usage() {
    let output = Desk::new().run(&["shop"]);
    assert_eq!(output.status.code(), Some(2));
    has(&String::from_utf8(output.stderr).unwrap(), &["NEWTON_AMQP_URL"]);
}

#[test]
fn what_the_shop_refuses_is_said() {
    let desk = Desk::new();
    desk.done(&["place", "o-1", "ada", "12 Analytical Lane", "120"]);
    let again = desk.refused(&["place", "o-1", "ada", "12 Analytical Lane", "120"]);
    has(&again, &["refused: `o-1`"]);
    has(&desk.refused(&["pay", "o-2"]), &["there is no order `o-2`"]);
    has(&desk.refused(&["saga", "o-2"]), &["there is no order `o-2`"]);
    has(&desk.refused(&["why", "o-2"]), &["there is no order `o-2`"]);
}
