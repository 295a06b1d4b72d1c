//! Whatever a store does to a saga, and whenever its process dies, it comes to the same end.

use std::time::Duration;

use futures_util::StreamExt;
use newton::saga::SagaStatus;
use newton::store::{EventStoreExt, Read, Selection, Stores};
use newton::testkit::{Fault, Faults, VirtualClock};
use newton::{App, Newton};
use newton_tests::Given;

use super::script::{LIMIT, until};
use super::shop::{Fulfilment, Order, OrderCommand, Payment, Shipment};

/// Everybody but the saga, on stores that do not fail.
async fn customers(stores: &Stores) -> App {
    Newton::builder().stores(stores.clone()).only::<(Order, Payment, Shipment)>().start().await.unwrap()
}

/// An app with the saga; where its start fails, somebody starts it again.
async fn shop(stores: &Stores, clock: &VirtualClock) -> App {
    loop {
        let shop = Newton::builder()
            .stores(stores.clone())
            .only::<(Order, Payment, Shipment, Fulfilment)>()
            .clock(clock.clone())
            .lease_term(Duration::from_millis(100))
            .start();
        if let Ok(shop) = shop.await {
            return shop;
        }
    }
}

/// One order that goes well, one that cannot be delivered, one that is never paid.
async fn story(stores: &Stores, clock: &VirtualClock) -> [SagaStatus; 3] {
    let app = customers(stores).await;
    for (order, amount, address) in [("good", 5, "home"), ("lost", 7, "nowhere"), ("unpaid", 0, "home")] {
        let place = OrderCommand::Place { order: order.to_owned(), amount, address: address.to_owned() };
        app.execute(order, place).command_id(format!("place {order}")).await.unwrap();
    }
    let ended = async |order| app.saga::<Fulfilment>(order).ended(LIMIT).await.unwrap();
    let (good, lost) = (ended("good").await, ended("lost").await);
    // The timer runs from when it was set, which may be long after the order.
    until(async || !app.saga::<Fulfilment>("unpaid").history().await.unwrap().is_empty()).await;
    clock.advance(Duration::from_hours(2));
    [good, lost, ended("unpaid").await]
}

/// What came of it: the events of each aggregate, in order.
async fn outcome(stores: &Stores) -> Vec<String> {
    let events = stores.events.read_all(Read::of(Selection::All)).await.unwrap();
    let mut outcome: Vec<_> = events
        .iter()
        .map(|event| (event.stream.to_string(), event.version, event.event_type.to_string()))
        .collect();
    outcome.sort();
    outcome.into_iter().map(|(stream, _, event)| format!("{stream} {event}")).collect()
}

const END: [&str; 10] = [
    "shop/Order/good OrderPlaced",
    "shop/Order/good OrderClosed",
    "shop/Order/lost OrderPlaced",
    "shop/Order/lost OrderCancelled",
    "shop/Order/unpaid OrderPlaced",
    "shop/Order/unpaid OrderCancelled",
    "shop/Payment/pay-good PaymentCharged",
    "shop/Payment/pay-lost PaymentCharged",
    "shop/Payment/pay-lost PaymentRefunded",
    "shop/Shipment/good ShipmentShipped",
];

/// Plays the story with a fault at an operation; says whether it came that far.
async fn play(given: Given, at: usize, fault: Fault) -> bool {
    let faults = Faults::at(at as u64, fault);
    let (stores, clock) = (given.stores.clone(), VirtualClock::new());
    // Before anything else: the saga was there when the first order came.
    drop(shop(&stores, &clock).await);
    let failing = faults.over(&stores);
    let life = async {
        let dies = async {
            let _first = shop(&failing, &clock).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = dies => {}
            () = faults.crashed() => {}
        }
        let _second = shop(&stores, &clock).await;
        std::future::pending::<()>().await;
    };
    // A command that met a fault waits for its next attempt.
    let time_passes = async {
        loop {
            clock.advance(Duration::from_millis(20));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let ends = tokio::select! {
        ends = story(&stores, &clock) => ends,
        () = time_passes => unreachable!("it passes for ever"),
        () = life => unreachable!("it lives for ever"),
    };
    assert_eq!(ends, [SagaStatus::Ended, SagaStatus::Compensated, SagaStatus::Ended], "{fault:?} at {at}");
    assert_eq!(outcome(&stores).await, END, "{fault:?} at {at}");
    faults.operations().len() > at
}

/// Every fault at every operation, up to the first that is never reached.
async fn everywhere(given: impl AsyncFn() -> Given, faults: &[Fault], step: usize) {
    for fault in faults {
        let mut reached = 0;
        let plays = futures_util::stream::iter((0..400).step_by(step))
            .map(|operation| {
                let given = &given;
                async move { play(given().await, operation, *fault).await }
            })
            .buffered(8);
        let mut plays = std::pin::pin!(plays);
        while plays.next().await == Some(true) {
            reached += 1;
        }
        assert!(reached > 20 / step, "only {reached} operations were reached with {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_at_any_operation_changes_nothing() {
    everywhere(Given::memory, &[Fault::Fail, Fault::LoseAnswer, Fault::Slow], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_operation_changes_nothing() {
    everywhere(Given::memory, &[Fault::CrashBefore, Fault::CrashAfter], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_over_sqlite_changes_nothing() {
    everywhere(Given::sqlite, &[Fault::CrashBefore, Fault::CrashAfter], 3).await;
}
