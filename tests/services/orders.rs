//! The orders example as its users run it in two services: three processes, which are killed, and each order ends as it does in one.

#[path = "../../examples/orders/tests/crash/books.rs"]
#[allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "it belongs to a test that fails by a panic")]
mod books;
#[path = "../../examples/orders/tests/crash/clerk.rs"]
#[allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "it belongs to a test that fails by a panic")]
mod clerk;

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use newton::muon::protocol::rpc::Request;
use newton::muon::{Muon, RemoteService};
use newton::store::{EventStoreExt, Read, Selection, Stores, open};
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use self::books::Books;
use self::clerk::{Clerk, Said};
use crate::amqp::{discovery, guarded, transport};
use crate::command_line::Server;
use crate::interop::alone;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(crate) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "orders": [
        two_processes_that_are_killed_bring_every_order_to_its_end,
    ])
}

#[derive(Clone, Copy)]
enum Part {
    Shop,
    Fulfilment,
    Store,
}

/// Who is killed, one after the other.
const VICTIMS: [Part; 5] = [Part::Fulfilment, Part::Shop, Part::Store, Part::Shop, Part::Fulfilment];

async fn two_processes_that_are_killed_bring_every_order_to_its_end(places: Places) {
    let _alone = alone().await;
    let mut given = Given::new(&places);
    let mut fulfilment = given.fulfilment();
    // From then on it sends mails.
    fulfilment.wait_for_line("running fulfilment");
    let (mut said, mut shop, mut orders) = (Said::default(), given.shop(&["--work", "0"]), 0);
    for (kill, victim) in (1..).zip(VICTIMS) {
        orders += 5;
        shop.wait_for(orders);
        let moment = 17 * kill % 40;
        match victim {
            Part::Shop => {
                note(&mut said, &shop.kill(moment));
                shop = given.shop(&["--work", &kill.to_string()]);
                orders = 0;
            }
            Part::Fulfilment => {
                note(&mut said, &fulfilment.kill(moment));
                fulfilment = given.fulfilment();
            }
            Part::Store => given.restart_store(),
        }
    }
    note(&mut said, &shop.kill(0));
    let shop = given.shop(&[]);
    guarded(given.settle()).await;
    guarded(given.audit(&said, &mut fulfilment)).await;
    for part in [shop, fulfilment] {
        assert_eq!(part.terminate(), Some(0), "a part that is asked to end does so in good order");
    }
}

fn note(said: &mut Said, more: &Said) {
    said.placed.extend_from_slice(&more.placed);
    said.paid.extend_from_slice(&more.paid);
    said.mails.extend_from_slice(&more.mails);
}

/// The store as a process, and how the two parts are started beside it.
struct Given<'a> {
    places: &'a Places,
    /// None only while it is started again.
    store: Option<Server>,
    url: String,
    shop: String,
}

impl<'a> Given<'a> {
    fn new(places: &'a Places) -> Self {
        let store = Server::start(places, &[]);
        let url = format!("muon+{}/{}", places.of_service(Service::RabbitMq), store.name);
        Self { places, store: Some(store), url, shop: format!("shop-{}", Uuid::new_v4()) }
    }

    fn store(&self) -> &Server {
        self.store.as_ref().expect("it runs")
    }

    fn restart_store(&mut self) {
        let mut store = self.store.take().expect("it runs");
        assert_eq!(store.process.end_by("KILL"), None);
        self.store = Some(store.again(&[]));
    }

    fn shop(&self, arguments: &[&str]) -> Clerk {
        self.part(&[&["shop"], arguments].concat())
    }

    fn fulfilment(&self) -> Clerk {
        let tables = self.store().folder.path().join("orders.db.projections");
        self.part(&["fulfilment", "--tables", tables.to_str().expect("a path in UTF-8")])
    }

    fn part(&self, arguments: &[&str]) -> Clerk {
        let mut command = Command::new(env!("CARGO_BIN_EXE_newton-tests-orders"));
        command
            .env("ORDERS_STORE", &self.url)
            .env("NEWTON_AMQP_URL", self.places.of_service(Service::RabbitMq));
        command.args(["--shop", &self.shop]).args(arguments);
        Clerk::start(command)
    }

    /// Pays what a killed shop left unpaid, and waits until every fulfilment has ended.
    async fn settle(&self) {
        let desk = Muon::builder("desk").transport(transport(self.places)).discovery(discovery(self.places));
        let desk = desk.start().await.expect("it starts");
        let shop = loop {
            if let Ok(shop) = desk.service(&self.shop).await {
                break shop;
            }
        };
        let stores = open(&self.url).await.expect("the store opens");
        loop {
            let running = running(&stores).await;
            if running.is_empty() {
                break;
            }
            for order in running {
                pay(&shop, &order).await;
            }
            sleep(Duration::from_millis(100)).await;
        }
        drop(stores);
        desk.shutdown().await;
    }

    /// Nothing is wrong once the read model and the mails have come to the end of the log.
    async fn audit(&self, said: &Said, fulfilment: &mut Clerk) {
        let file = self.store().folder.path().join("events.db");
        loop {
            let mails = [&*said.mails, &*fulfilment.said().mails].concat();
            let wrong = Books::read(&self.url, &file).await.audit(&said.placed, &said.paid, &mails);
            if wrong.is_empty() {
                break;
            }
            eprintln!("not yet:\n{}", wrong.join("\n"));
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The orders whose fulfilment has not ended.
async fn running(stores: &Stores) -> BTreeSet<String> {
    let log = stores.events.read_all(Read::of(Selection::All).with_system()).await.expect("events");
    let id = |event: &newton::RecordedEvent| {
        event.stream.as_str().rsplit('/').next().expect("a last part").to_owned()
    };
    let of = |event_type: &str| log.iter().filter(|event| event.event_type == event_type).map(id).collect();
    let (placed, ended): (BTreeSet<_>, BTreeSet<_>) = (of("OrderPlaced"), of("$SagaEnded"));
    assert!(!placed.is_empty());
    placed.difference(&ended).cloned().collect()
}

/// Pays an order, unless that is refused: nobody asked for the money yet, or nobody will take it any more.
async fn pay(shop: &RemoteService, order: &str) {
    let request = Request::new(shop.name(), "/commands/PaymentPay");
    let answer = shop.rpc(&request.with_json(&json!({ "id": order, "payload": {} }))).await;
    if let Ok(answer) = answer {
        assert!(matches!(answer.status, 200 | 422), "{}", String::from_utf8_lossy(&answer.body));
    }
}
