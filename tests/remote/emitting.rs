//! Events that other programs emit.

use std::time::Duration;

use newton::domain::Schema;
use newton::muon::protocol::event::{Emit, Processed, emit};
use newton::server::Tokens;
use newton::store::{EventStoreExt, Read, Selection};
use newton::{OrderId, Payload, RecordedEvent};
use serde_json::json;

use super::Served;

const LIMIT: Duration = Duration::from_secs(30);

impl Served {
    async fn emit(&self, event: &Emit) -> Processed {
        emit(self.events.channel("event").await.unwrap(), event, LIMIT).await.unwrap()
    }

    async fn stored(&self) -> Vec<RecordedEvent> {
        self.stores.events.read_all(Read::of(Selection::All)).await.unwrap()
    }
}

pub(super) fn born(name: &str) -> Emit {
    Emit::new("users", "Born", json!({ "name": name }).to_string()).unwrap()
}

fn order_id(processed: &Processed) -> u64 {
    match processed {
        Processed::Persisted { order_id, .. } => *order_id,
        Processed::Failed { cause } => panic!("it was not stored: {cause}"),
    }
}

fn refusal(processed: Processed) -> String {
    match processed {
        Processed::Failed { cause } => cause,
        Processed::Persisted { .. } => panic!("it was stored"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_emitted_is_stored_byte_for_byte() {
    let given = Served::new().await;
    let payload = "{ \"name\" : \"\u{e4}\u{1f600}\", \"n\": 1.50 }";
    let event = Emit {
        id: Some("any id".into()),
        schema: Some("v1.0".into()),
        service_id: Some("maternity".into()),
        ..Emit::new("users", "Born", payload).unwrap()
    };
    assert_eq!(order_id(&given.emit(&event).await), 1);
    let stored = given.stored().await.remove(0);
    assert_eq!(stored.payload.as_bytes(), payload.as_bytes());
    assert_eq!((stored.id.to_string(), stored.schema), ("any id".to_owned(), Schema::Text("v1.0".into())));
    assert_eq!(stored.metadata.service.as_deref(), Some("maternity"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_id_is_stored_once_and_answered_alike() {
    let given = Served::new().await;
    let event = Emit { id: Some("once".into()), ..born("Ada") };
    let first = given.emit(&event).await;
    given.emit(&born("Grace")).await;
    assert_eq!(given.emit(&event).await, first);
    assert_eq!(given.stored().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cause_is_an_id_or_an_order_id() {
    let given = Served::new().await;
    let first = Emit { id: Some("first".into()), ..born("Ada") };
    given.emit(&first).await;
    for caused_by in [json!("first"), json!(1), json!("1")] {
        let event =
            Emit { caused_by: Some(caused_by), caused_by_relation: Some("CHILD".into()), ..born("Byron") };
        given.emit(&event).await;
    }
    for event in &given.stored().await[1..] {
        let cause = event.metadata.cause.as_ref().unwrap();
        assert_eq!((cause.id.to_string(), cause.relation.as_deref()), ("first".to_owned(), Some("CHILD")));
    }
    let elsewhere = Emit { caused_by: Some("of another store".into()), ..born("Eve") };
    assert_eq!(order_id(&given.emit(&elsewhere).await), 5);
    let nowhere = Emit { caused_by: Some(json!(99)), ..born("Eve") };
    assert!(refusal(given.emit(&nowhere).await).contains("99"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_stored_is_refused_with_the_reason() {
    let given = Served::new().await;
    for stream in ["", "__all__", "$saga/x"] {
        let event = Emit { stream_name: stream.to_owned(), ..born("Ada") };
        assert!(!refusal(given.emit(&event).await).is_empty(), "{stream}");
    }
    let system = Emit { event_type: "$deleted".to_owned(), ..born("Ada") };
    assert!(refusal(given.emit(&system).await).contains("/stream/delete"));
    assert!(given.stored().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_asked_for_and_never_stored() {
    let given = Served::by(|service| service.tokens(Tokens::parse("right").unwrap())).await;
    assert!(refusal(given.emit(&born("Ada")).await).contains("token"));
    let event = Emit { token: Some("right".to_owned()), ..born("Ada") };
    assert_eq!(order_id(&given.emit(&event).await), 1);
    assert!(!format!("{:?}", given.stored().await).contains("right"));
}

/// The published clients never close the channel of an event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_that_clients_leave_open_are_given_back() {
    let given = Served::new().await;
    let mut left_open = Vec::new();
    for _ in 0..200 {
        let mut channel = given.events.channel("event").await.unwrap();
        let payload = serde_json::to_vec(&born("Ada")).unwrap();
        channel.send(newton::muon::Message::new("event", "EventEmitted", payload)).await.unwrap();
        assert_eq!(channel.recv().await.unwrap().unwrap().step, "EventProcessed");
        left_open.push(channel);
    }
    assert_eq!(given.stores.events.head().await.unwrap().current(), OrderId(200));
    // The channel of the remote store, and the one that all share.
    while given.server.served_channels() > 3 {
        tokio::task::yield_now().await;
    }
    drop(left_open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_emitted_without_waiting_keeps_its_order() {
    let given = Served::new().await;
    let mut channels = Vec::new();
    for number in 0..2_000_u32 {
        let payload = serde_json::to_vec(&born(&number.to_string())).unwrap();
        let channel = given.events.channel("event").await.unwrap();
        channel.send(newton::muon::Message::new("event", "EventEmitted", payload)).await.unwrap();
        channels.push(channel);
    }
    for channel in &mut channels {
        assert_eq!(channel.recv().await.unwrap().unwrap().step, "EventProcessed");
    }
    let stored: Vec<_> = given.stored().await.into_iter().map(|event| event.payload).collect();
    let payload = |number: u32| Payload::json(born(&number.to_string()).payload.unwrap().get()).unwrap();
    assert_eq!(stored, (0..2_000).map(payload).collect::<Vec<_>>());
}
