//! The two parts as apps in one process: each order ends as it does in one app, and each thing happens once.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use newton::muon::{Builder, Muon, discovery::MemoryDiscovery, transport::MemoryNetwork};
use newton::saga::SagaStatus;
use newton::server::StoreService;
use newton::store::{EventStoreExt, MemoryStore, Read, Selection, Stores};
use newton::{App, Newton};

use crate::fulfilment::Fulfilment;
use crate::mail::{AnyMailer, Mailer};
use crate::order::OrderCommand;
use crate::order_table::OrderTable;
use crate::parts;
use crate::payment::{Payment, PaymentCommand};
use crate::revenue::Revenue;

const LIMIT: Duration = Duration::from_mins(1);

/// Collects mails.
#[derive(Clone, Default)]
struct Postbox(Arc<Mutex<Vec<String>>>);

impl Mailer for Postbox {
    fn send(&self, _: &str, text: &str) -> std::io::Result<()> {
        self.0.lock().unwrap().push(text.to_owned());
        Ok(())
    }
}

/// An order that is shipped, one that cannot be, and one that nobody pays; then how each ended.
async fn a_day(shop: &App, fulfilment: &App) -> Vec<SagaStatus> {
    for (order, address, seconds_to_pay) in
        [("o-1", "here", 3_600), ("o-2", "nowhere", 3_600), ("o-3", "here", 0)]
    {
        let (customer, address) = ("ada".to_owned(), address.to_owned());
        let place = OrderCommand::Place { customer, address, total: 10, seconds_to_pay };
        shop.execute(order, place).await.unwrap();
    }
    for order in ["o-1", "o-2"] {
        let mut payment = shop.subscribe_updates::<Payment>(order).unwrap();
        futures_util::TryStreamExt::try_next(&mut payment).await.unwrap();
        shop.execute(order, PaymentCommand::Pay).await.unwrap();
    }
    let mut ends = Vec::new();
    for order in ["o-1", "o-2", "o-3"] {
        ends.push(fulfilment.saga::<Fulfilment>(order).ended(LIMIT).await.unwrap());
    }
    fulfilment.caught_up_all().within(LIMIT).await.unwrap();
    ends
}

/// What happened to each order, and what the read models say of it.
async fn books(fulfilment: &App) -> (Vec<String>, Vec<String>, u64) {
    let log = fulfilment.events().read_all(Read::of(Selection::All)).await.unwrap();
    let mut happened: Vec<_> =
        log.iter().map(|event| format!("{} {}", event.stream, event.event_type)).collect();
    happened.sort();
    let sql = "SELECT id || stage || payments || refunds || shipments FROM orders ORDER BY id";
    let rows = fulfilment.view::<OrderTable>().unwrap().query(sql, (), |row| row.get(0)).await.unwrap();
    (happened, rows, fulfilment.view::<Revenue>().unwrap().with(|revenue| revenue.total))
}

/// The same with everything in one app.
async fn in_one_app() -> (Vec<SagaStatus>, (Vec<String>, Vec<String>, u64), Postbox) {
    let postbox = Postbox::default();
    let mailer = AnyMailer(Arc::new(postbox.clone()));
    let app = Newton::builder().store("memory:").provide(mailer).start().await.unwrap();
    let (ends, books) = (a_day(&app, &app).await, books(&app).await);
    app.shutdown(LIMIT).await;
    (ends, books, postbox)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_do_together_what_one_app_does() {
    let join = |service: &str| -> Builder {
        let network = MemoryNetwork::named("parts of the shop");
        Muon::builder(service)
            .transport(network.transport())
            .discovery(MemoryDiscovery::named("parts of the shop"))
    };
    let store = StoreService::new(Stores::of(MemoryStore::new()));
    let store = store.publish(join("events")).start().await.unwrap();
    let (url, tables) = ("muon+memory://parts%20of%20the%20shop/events", tempfile::tempdir().unwrap());
    let postbox = Postbox::default();
    let shop = parts::shop(url, join("the-shop")).await.unwrap();
    let mailer = AnyMailer(Arc::new(postbox.clone()));
    let tables: &Path = tables.path();
    let fulfilment = parts::fulfilment(url, join("fulfilment"), "the-shop", tables, mailer).await.unwrap();

    let ends = a_day(&shop.app, &fulfilment.app).await;
    let books = books(&fulfilment.app).await;
    let by_shop = fulfilment.app.events().read_all(Read::of(Selection::All)).await.unwrap();
    assert!(
        by_shop.iter().all(|event| event.metadata.service.as_deref() == Some("shop")),
        "decided elsewhere"
    );
    fulfilment.close().await;
    shop.close().await;
    store.shutdown().await;

    let (ends_in_one, books_in_one, postbox_in_one) = in_one_app().await;
    assert_eq!((ends, books), (ends_in_one, books_in_one));
    assert_eq!(*postbox.0.lock().unwrap(), ["order `o-1` is on its way to here"]);
    assert_eq!(*postbox.0.lock().unwrap(), *postbox_in_one.0.lock().unwrap());
}
