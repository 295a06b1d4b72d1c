//! The published client over a connection that is cut, and against a store that is started again.

use newton::server::StoreService;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Driver, STORE, Visible, served};
use crate::amqp::guarded;
use crate::faults::{Proxy, until};
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq, Service::MuonClient], "interop::broken": [
        a_client_that_was_cut_off_leaves_nothing_and_emits_at_its_next_run,
        a_client_emits_to_a_store_that_was_started_again,
    ])
}

/// The library does not connect again by itself.
async fn a_client_that_was_cut_off_leaves_nothing_and_emits_at_its_next_run(places: Places) {
    let store = Visible::new(&places, |service| service).await;
    let proxy = Proxy::before(places.of_service(Service::RabbitMq));
    let emit = |count| {
        let arguments = ["--stream", "cut", "--count", count];
        Driver::over(proxy.url(), &places, "emit", &format!("cut-{}", Uuid::new_v4()), &arguments)
    };
    let mut driver = emit("500");
    let mut acknowledged = vec![driver.line().await];
    assert!(proxy.cut());
    until(|| store.server.served_channels() == 0).await;
    drop(driver);
    acknowledged.extend(emit("2").rest().await);
    assert_eq!(acknowledged.len(), 3);
    let events = store.events().await;
    for line in acknowledged {
        assert_eq!(line["result"]["status"], "PERSISTED", "{line}");
        let order_id = line["result"]["orderId"].as_u64();
        assert_eq!(events.iter().filter(|event| Some(event.order_id.0) == order_id).count(), 1);
    }
    until(|| store.server.served_channels() == 0).await;
    store.end().await;
}

async fn a_client_emits_to_a_store_that_was_started_again(places: Places) {
    let mut store = Visible::new(&places, |service| service).await;
    let arguments = ["--stream", "again", "--each-line"];
    let mut driver = Driver::start(&places, "emit", &arguments).ready().await;
    assert_eq!(emitted(&mut driver, "before").await["result"]["status"], "PERSISTED");
    store.server.shutdown().await;
    let service = StoreService::new(store.stores.clone());
    store.server = service.publish(served(&places, STORE)).start().await.expect("it starts again");
    // What it emits meanwhile may be refused, or not be answered; the same event again is no other event.
    let stored = guarded(async {
        loop {
            let answer = emitted(&mut driver, "after").await;
            if answer["result"]["status"] == "PERSISTED" {
                return answer;
            }
        }
    })
    .await;
    let mut events = store.events().await;
    // Others at the broker may have found the store too.
    events.retain(|event| event.stream.as_str() == "again");
    assert_eq!((events.len(), &stored["result"]["orderId"]), (2, &json!(events[1].order_id.0)));
    driver.rest().await;
    until(|| store.server.served_channels() == 0).await;
    store.end().await;
}

/// Emits an event of this id.
async fn emitted(driver: &mut Driver, id: &str) -> Value {
    driver.tell(id);
    driver.line().await
}
