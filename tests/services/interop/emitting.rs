//! The published client emits to a store that Newton publishes.

use std::fs;

use newton::domain::{RecordedEvent, Schema};
use newton::server::Tokens;
use newton::store::{EventStoreExt, Read, Selection};
use serde_json::{Value, json};

use super::driver::values;
use super::{Driver, ODD, Visible};
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq, Service::MuonClient], "interop::emitting": [
        an_event_is_stored_as_it_was_sent,
        several_clients_at_once,
        only_who_knows_the_token_may_emit,
    ])
}

impl Visible<'_> {
    /// The results of an emit, by the order in which they were asked for.
    async fn emit(&self, arguments: &[&str]) -> Vec<Value> {
        let lines = Driver::start(self.places, "emit", arguments).rest().await;
        assert!(lines.iter().all(|line| line.get("failed").is_none()), "{lines:?}");
        values(&lines, "result")
    }

    async fn event(&self, order_id: &Value) -> RecordedEvent {
        let order_id = order_id.as_u64().expect("an order id");
        let events = self.events().await;
        events.into_iter().find(|event| event.order_id.0 == order_id).expect("an event of this order id")
    }

    pub(super) async fn events(&self) -> Vec<RecordedEvent> {
        self.stores.events.read_all(Read::of(Selection::All)).await.expect("events")
    }
}

async fn an_event_is_stored_as_it_was_sent(places: Places) {
    let store = Visible::new(&places, |service| service).await;
    let what = ["--stream", "orders", "--type", "Placed", "--id", "order 7/ä", "--schema", "v1 (draft)"];
    let sent = [&what[..], &["--service-id", "shop", "--provider", "x", "--payload", ODD]].concat();
    let first = store.emit(&sent).await.remove(0);
    assert_eq!((&first["status"], &first["orderId"]), (&json!("PERSISTED"), &json!(1)));
    let event = store.event(&first["orderId"]).await;
    assert_eq!(first["eventTime"], event.time.timestamp_millis());
    assert_eq!((&*event.id.to_string(), event.stream.as_str()), ("order 7/ä", "orders"));
    assert_eq!((&*event.event_type, event.schema), ("Placed", Schema::Text("v1 (draft)".into())));
    assert_eq!(event.metadata.service.as_deref(), Some("shop"));
    assert_eq!(String::from_utf8_lossy(event.payload.as_bytes()), ODD);

    let [again, by_number, by_text, by_id, unknown] = [
        &sent[..],
        &["--stream", "orders", "--caused-by", "1", "--caused-by-relation", "CAUSED"],
        &["--stream", "orders", "--caused-by", "\"1\""],
        &["--stream", "orders", "--caused-by", "order 7/ä"],
        &["--stream", "orders", "--caused-by", "1000"],
    ]
    .map(|arguments| store.emit(arguments));
    let (again, by_number, by_text, by_id, unknown) = tokio::join!(again, by_number, by_text, by_id, unknown);
    assert_eq!(again, [first], "the same event, emitted again");
    for (result, relation) in [(by_number, Some("CAUSED")), (by_text, None), (by_id, None)] {
        let event = store.event(&result[0]["orderId"]).await;
        let cause = event.metadata.cause.clone().expect("a cause");
        assert_eq!((&*cause.id.to_string(), cause.relation.as_deref()), ("order 7/ä", relation));
    }
    assert_eq!(unknown[0]["status"], "FAILED");
    assert!(unknown[0]["cause"].as_str().expect("a reason").contains("1000"), "{unknown:?}");
    store.end().await;
}

async fn several_clients_at_once(places: Places) {
    let store = Visible::new(&places, |service| service).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("long.json");
    let long = format!(r#"{{"text":"{}"}}"#, "ü😀\\n7".repeat(1024 * 1024 / 9));
    fs::write(&file, &long).expect("a file");
    let file = format!("@{}", file.display());
    let long_arguments = ["--stream", "long", "--payload", &*file];
    let (one, other, big) = tokio::join!(
        store.emit(&["--stream", "one", "--count", "100", "--payload", ODD]),
        store.emit(&["--stream", "other", "--count", "100"]),
        store.emit(&long_arguments),
    );
    for (results, stream) in [(one, "one"), (other, "other")] {
        assert_eq!(results.len(), 100);
        assert!(results.iter().all(|result| result["status"] == "PERSISTED"), "{results:?}");
        // What is emitted at once has no order among itself.
        let events = store.events().await.into_iter().filter(|event| event.stream.as_str() == stream);
        let payloads =
            events.map(|event| serde_json::from_slice::<Value>(event.payload.as_bytes()).expect("JSON"));
        let mut indices: Vec<_> =
            payloads.map(|payload| payload["index"].as_u64().expect("a number")).collect();
        indices.sort_unstable();
        assert_eq!(indices, (0..100).collect::<Vec<_>>(), "each once");
    }
    let event = store.event(&big[0]["orderId"]).await;
    assert!(event.payload.as_bytes() == long.as_bytes(), "{} bytes", event.payload.len());
    store.end().await;
}

async fn only_who_knows_the_token_may_emit(places: Places) {
    let store =
        Visible::new(&places, |service| service.tokens(Tokens::parse("right").expect("a token"))).await;
    let (right, wrong, none) = tokio::join!(
        store.emit(&["--stream", "orders", "--token", "right"]),
        store.emit(&["--stream", "orders", "--token", "wrong"]),
        store.emit(&["--stream", "orders"]),
    );
    assert_eq!(right[0]["status"], "PERSISTED");
    for refused in [wrong, none] {
        assert_eq!(refused[0]["status"], "FAILED");
        assert!(refused[0]["cause"].as_str().expect("a reason").contains("token"), "{refused:?}");
    }
    assert_eq!(store.events().await.len(), 1);
    store.end().await;
}
