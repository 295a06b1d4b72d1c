//! A running saga and the causes it leaves behind: nobody has to do anything for them.

use std::time::Duration;

use newton::testkit::VirtualClock;
use newton::{App, CommandId};
use newton_tests::{Given, over_every_store};

use crate::sagas::shop::{Fulfilment, Order, OrderCommand, Payment, Shipment};

over_every_store!(a_refund_leads_back_to_the_order, a_time_out_leads_back_to_the_order);

async fn shop(given: &Given, clock: &VirtualClock) -> App {
    let app = given.app().only::<(Order, Payment, Shipment, Fulfilment)>().clock(clock.clone());
    app.start().await.unwrap()
}

/// Places an order and waits for the end of its saga; gives what came of it.
async fn place(app: &App, clock: &VirtualClock, amount: u64) -> String {
    let command = OrderCommand::Place { order: "o-1".into(), amount, address: "nowhere".into() };
    app.execute("o-1", command).command_id("place").await.unwrap();
    let saga = app.saga::<Fulfilment>("o-1");
    let charged = async {
        while saga.history().await.unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), charged).await.expect("the saga starts and charges");
    clock.advance(Duration::from_secs(if amount == 0 { 3_600 } else { 0 }));
    saga.ended(Duration::from_mins(1)).await.unwrap();
    let graph = app.causality().correlation(CommandId::from("place")).await.unwrap();
    assert_eq!(graph.roots().count(), 1, "nothing hangs in the air: {graph}");
    // In which order a saga writes the outcome of a command and what it makes of its event is not for us to say.
    let lines = graph.to_string();
    let without_version = |line: &str| match line.split_once(" at version ") {
        Some((start, rest)) => start.to_owned() + rest.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => line.to_owned(),
    };
    lines.lines().map(|line| without_version(line) + "\n").collect()
}

async fn a_refund_leads_back_to_the_order(given: Given) {
    let clock = VirtualClock::new();
    let app = shop(&given, &clock).await;
    let told = "\
command place, to shop/Order/o-1
  OrderPlaced, shop/Order/o-1
    $SagaAdvanced, $saga/shop.Fulfilment/o-1
      dispatch, done at the first attempt
        command PaymentCharge, to shop/Payment/pay-o-1
          PaymentCharged, shop/Payment/pay-o-1
            $SagaAdvanced, $saga/shop.Fulfilment/o-1
              dispatch, rejected at the first attempt, no such address
                rejected command ShipmentShip, to shop/Shipment/o-1, no such address
                  $SagaOutcome, $saga/shop.Fulfilment/o-1
                    $SagaAdvanced, $saga/shop.Fulfilment/o-1
                      dispatch, done at the first attempt
                        command PaymentRefund, to shop/Payment/pay-o-1
                          PaymentRefunded, shop/Payment/pay-o-1
                      dispatch, done at the first attempt
                        command OrderCancel, to shop/Order/o-1
                          OrderCancelled, shop/Order/o-1
                          $SagaOutcome, $saga/shop.Fulfilment/o-1
                            $SagaEnded, $saga/shop.Fulfilment/o-1, compensated
              timer cancelled: payment overdue, due 2026-01-01T01:00:00.000000Z
          $SagaOutcome, $saga/shop.Fulfilment/o-1
      timer set: payment overdue, due 2026-01-01T01:00:00.000000Z
";
    assert_eq!(place(&app, &clock, 10).await, told);
}

async fn a_time_out_leads_back_to_the_order(given: Given) {
    let clock = VirtualClock::new();
    let app = shop(&given, &clock).await;
    let told = "\
command place, to shop/Order/o-1
  OrderPlaced, shop/Order/o-1
    $SagaAdvanced, $saga/shop.Fulfilment/o-1
      dispatch, done at the first attempt
        command PaymentCharge, to shop/Payment/pay-o-1
          $SagaOutcome, $saga/shop.Fulfilment/o-1
      timer set: payment overdue, due 2026-01-01T01:00:00.000000Z
        timer fired: payment overdue, due 2026-01-01T01:00:00.000000Z
          $SagaAdvanced, $saga/shop.Fulfilment/o-1
            dispatch, done at the first attempt
              command OrderCancel, to shop/Order/o-1
                OrderCancelled, shop/Order/o-1
                $SagaOutcome, $saga/shop.Fulfilment/o-1
                  $SagaEnded, $saga/shop.Fulfilment/o-1, ended
";
    assert_eq!(place(&app, &clock, 0).await, told);
}
