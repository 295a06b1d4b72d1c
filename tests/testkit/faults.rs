//! Every fault at every operation of a scenario, with each kind of reaction.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use newton::prelude::*;
use newton::testkit::{AppScenario, Fault};

use super::apps::{bought, regretted};
use super::shop::{Fulfilment, Order, OrderEvent, Orders, Payment, Sales, Shipment};

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

/// A shop of which everything is expected: events, commands of the saga, both views and the thanks.
fn play(shop: AppScenario<Shop>, thanked: &Thanked) -> AppScenario<Shop> {
    thanked.forget();
    let shop = regretted(bought(shop))
        .then_view::<Sales>(|sales| assert_eq!(sales.money, 20))
        .then_view::<Orders>(|tables| {
            let all =
                "SELECT group_concat(id || ' ' || status || ' ' || events, ', ' ORDER BY id) FROM orders";
            let rows: String = tables.query_row(all, [], |row| row.get(0)).unwrap();
            assert_eq!(rows, "7 shipped 3, 8 cancelled 2, rare paid 2");
        });
    assert_eq!(thanked.orders(), ["7", "rare"]);
    shop
}

#[test]
fn a_shop_comes_to_the_same_end_under_every_fault() {
    let thanked = Thanked::default();
    let matrix = shop(&thanked).under_every_fault(|shop| play(shop, &thanked));
    assert_eq!(matrix.runs, matrix.operations.len() * Fault::ALL.len());
    for operation in ["append", "read", "load", "get state", "scan state", "write state"] {
        assert!(matrix.operations.contains(&operation), "{operation}: {:?}", matrix.operations);
    }
}

#[test]
fn a_shop_on_sqlite_comes_to_the_same_end_under_some_faults() {
    let thanked = Thanked::default();
    let matrix = shop(&thanked).on_sqlite().under_some_faults(13, |shop| play(shop, &thanked));
    assert!(matrix.runs > 20);
}
