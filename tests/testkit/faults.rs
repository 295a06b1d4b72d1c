//! Every fault at every operation of a scenario, with each kind of reaction.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use newton::prelude::*;
use newton::projection::rusqlite::Connection;
use newton::testkit::{AppScenario, Fault};

use super::apps::{bought, regretted};
use super::shop::{Fulfilment, Order, OrderEvent, Orders, PAYMENT, Payment, Sales, Shipment, place, placed};

/// Who was thanked, by the ids of the deliveries: however often one comes, it counts once.
#[derive(Clone, Debug, Default)]
struct Thanked(Arc<Mutex<BTreeSet<(String, String)>>>);

impl Thanked {
    fn forget(&self) {
        self.0.lock().unwrap().clear();
    }

    fn orders(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(order, _)| order.clone()).collect()
    }
}

/// Thanks for each payment.
#[derive(EventHandler, Debug)]
#[event_handler(handles(OrderEvent), start = "origin")]
struct Thanks {
    thanked: Thanked,
}

impl React<OrderEvent> for Thanks {
    async fn react(&self, event: &OrderEvent, delivery: &Delivery) -> Result<()> {
        if let OrderEvent::Paid { order } = event {
            self.thanked.0.lock().unwrap().insert((order.clone(), delivery.id().to_string()));
        }
        Ok(())
    }
}

type Shop = (Order, Payment, Shipment, Fulfilment, Sales, Orders, Thanks);

fn shop(thanked: &Thanked) -> AppScenario<Shop> {
    let thanked = thanked.clone();
    AppScenario::new().with(move |builder| builder.provide(thanked.clone()))
}

/// One order that is paid and shipped and one that is not: a short way on which every kind of reaction has work.
fn short(shop: AppScenario<Shop>, thanked: &Thanked) -> AppScenario<Shop> {
    thanked.forget();
    let shop = bought(shop)
        .when("8", place("8", 40))
        .then_events(placed("8", 40))
        .then_nothing_more()
        .after(PAYMENT)
        .then_events(OrderEvent::Cancelled { order: "8".to_owned() })
        .then_nothing_more()
        .then_no_orphans()
        .then_view::<Orders>(|tables| assert_eq!(rows(tables), "7 shipped 3, 8 cancelled 2"));
    assert_eq!(thanked.orders(), ["7"]);
    shop
}

/// Refunds as well, and commands that are rejected.
fn long(shop: AppScenario<Shop>, thanked: &Thanked) -> AppScenario<Shop> {
    thanked.forget();
    let shop = regretted(bought(shop))
        .then_view::<Sales>(|sales| assert_eq!(sales.money, 20))
        .then_view::<Orders>(|tables| assert_eq!(rows(tables), "7 shipped 3, 8 cancelled 2, rare paid 2"));
    assert_eq!(thanked.orders(), ["7", "rare"]);
    shop
}

fn rows(tables: &Connection) -> String {
    let all = "SELECT group_concat(id || ' ' || status || ' ' || events, ', ' ORDER BY id) FROM orders";
    tables.query_row(all, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_shop_comes_to_the_same_end_under_every_fault() {
    let thanked = Thanked::default();
    let matrix = shop(&thanked).under_every_fault(|shop| short(shop, &thanked));
    assert_eq!(matrix.runs, matrix.operations.len() * Fault::ALL.len());
    for operation in ["append", "read", "load", "get state", "scan state", "write state"] {
        assert!(matrix.operations.contains(&operation), "{operation}: {:?}", matrix.operations);
    }
}

#[test]
fn a_busier_shop_comes_to_the_same_end_under_some_faults() {
    // With one pair in thirteen each of the five faults gets its turn.
    let thanked = Thanked::default();
    for shop in [shop(&thanked), shop(&thanked).on_sqlite()] {
        let matrix = shop.under_some_faults(13, |shop| long(shop, &thanked));
        assert!(matrix.runs > 20);
    }
}
