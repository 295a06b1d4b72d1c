//! The peer is the client of services of Newton.

use lapin::Connection;
use lapin::types::ShortString;
use newton::domain::{Cause, Clock, NewEvent, RecordedEvent, SystemClock};
use newton::muon::protocol::rpc::{Request, Response, RpcServer};
use newton::muon::{Descriptor, Muon};
use newton::server::StoreService;
use newton::store::{Append, EventStore, EventStoreExt, MemoryStore, Read, Selection, Stores};
use newton::{ExpectedVersion, Payload, StreamName};
use serde_json::{Value, json};
use uuid::Uuid;

use super::peer::request;
use super::{Form, Heard, Peer, Square, idle};
use crate::amqp::{discovery, guarded, transport};
use crate::faults::until;
use crate::hand::assert_gone;
use crate::interop::ODD;
use crate::rabbitmq::connect;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

/// The peer's own name.
const CLIENT: &str = "java-client";

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "java::asking": [
        events_are_emitted_and_replayed,
        a_replay_outlasts_silence,
        the_names_of_streams_are_asked_for,
        a_service_is_found_and_called,
        a_closed_channel_leaves_no_queue,
    ])
}

/// A store in memory, published under a name that nobody looks for.
struct Published {
    stores: Stores,
    server: Muon,
    connection: Connection,
}

impl Published {
    async fn new(places: &Places) -> Self {
        let stores = Stores::of(MemoryStore::new());
        let builder = Muon::builder(format!("events-{}", Uuid::new_v4())).transport(transport(places));
        let server = StoreService::new(stores.clone()).publish(builder).start().await.expect("it starts");
        Self { stores, server, connection: connect(places).await }
    }

    async fn peer(&self, form: Form) -> Peer {
        let Descriptor { identifier, instance_id, .. } = self.server.descriptor();
        let instance = instance_id.as_deref().expect("an instance");
        Peer::open(&self.connection, CLIENT, (identifier, instance), form).await
    }

    async fn stored(&self, stream: &str) -> Vec<RecordedEvent> {
        let stream = Selection::Stream(StreamName::parse(stream).expect("a name"));
        self.stores.events.read_all(Read::of(stream)).await.expect("events")
    }
}

fn odd() -> Value {
    serde_json::from_str(ODD).expect("JSON")
}

impl Peer {
    /// What the store says of an event of a stream.
    async fn emit(&mut self, stream: &str, more: Value) -> Value {
        let mut event =
            json!({ "event-type": "Born", "stream-name": stream, "payload": odd(), "unknown": 1 });
        let Value::Object(more) = more else { panic!("fields") };
        event.as_object_mut().expect("an object").extend(more);
        let channel = self.begin("event", "EventEmitted", &event).await;
        let answer = self.next_on(&channel).await;
        assert_eq!(answer.field("step"), "EventProcessed");
        answer.payload
    }

    /// Subscribes to a stream of events, and grants one.
    async fn replay(&mut self, stream: &str, kind: &str, from: &Value) -> String {
        let args = json!({ "stream-name": stream, "stream-type": kind, "from": from.to_string(), "sub-name": "mine" });
        let wanted = json!({ "streamName": "/stream", "args": args, "auth": {}, "unknown": 1 });
        let channel = self.begin("reactive-stream", "SubscriptionRequested", &wanted).await;
        assert_eq!(self.next_on(&channel).await.field("step"), "SubAck");
        self.grant(&channel, 1).await;
        channel
    }

    async fn grant(&mut self, channel: &str, items: u64) {
        self.say(channel, "reactive-stream", "DataRequested", &json!({ "request": items })).await;
    }

    /// The payload of an event that is replayed.
    async fn event(&mut self, channel: &str) -> Value {
        let heard = self.next_on(channel).await;
        assert_eq!(heard.field("step"), "Data");
        heard.payload
    }

    async fn call(&mut self, service: &str, path: &str, body: &Value) -> Heard {
        let channel = self.begin("rpc", "request.made", &request(service, path, body)).await;
        self.next_on(&channel).await
    }
}

async fn events_are_emitted_and_replayed(places: Places) {
    let store = Published::new(&places).await;
    for form in Form::BOTH {
        let mut peer = store.peer(form).await;
        let stream = format!("users-{form:?}");
        let first = peer.emit(&stream, json!({})).await;
        assert_eq!(first["status"], "PERSISTED", "{first}");
        let more = json!({ "caused-by": first["orderId"], "caused-by-relation": "NACHFAHRE", "schema": "v1 (draft)" });
        let second = peer.emit(&stream, more).await;
        assert_eq!(second["status"], "PERSISTED", "{second}");
        let refused = peer.emit(&stream, json!({ "caused-by": 1_000_000 })).await;
        assert_eq!(refused["status"], "FAILED", "{refused}");

        let stored = store.stored(&stream).await;
        assert_eq!(stored.len(), 2);
        for (event, answer) in stored.iter().zip([&first, &second]) {
            assert_eq!(event.order_id.0, answer["orderId"].as_u64().expect("an order id"));
            assert_eq!(serde_json::from_slice::<Value>(event.payload.as_bytes()).expect("JSON"), odd());
            assert_eq!(event.metadata.service.as_deref(), Some(CLIENT));
        }
        let cause = Cause { id: stored[0].id.clone(), relation: Some("NACHFAHRE".into()) };
        assert_eq!((&stored[0].metadata.cause, &stored[1].metadata.cause), (&None, &Some(cause)));
        it_is_replayed(&mut peer, &stream, &stored).await;
        peer.close(true).await;
    }
    store.server.shutdown().await;
}

/// From each of the events on.
async fn it_is_replayed(peer: &mut Peer, stream: &str, stored: &[RecordedEvent]) {
    for begin in 0..stored.len() {
        let channel = peer.replay(stream, "cold", &json!(stored[begin].order_id)).await;
        for event in &stored[begin..] {
            let replayed = peer.event(&channel).await;
            assert_eq!(replayed["order-id"], event.order_id.0);
            assert_eq!((&replayed["id"], &replayed["payload"]), (&json!(event.id), &odd()));
            let cause = event.metadata.cause.as_ref().map(|cause| json!(cause.id));
            assert_eq!(replayed.get("caused-by-id"), cause.as_ref());
            peer.grant(&channel, 1).await;
        }
        assert_eq!(peer.next_on(&channel).await.field("step"), "Completed");
    }
}

/// Nothing but keep-alives holds its channel between two events.
async fn a_replay_outlasts_silence(places: Places) {
    let store = Published::new(&places).await;
    let mut peer = store.peer(Form::Deflated).await;
    peer.emit("users", json!({})).await;
    let channel = peer.replay("users", "hot-cold", &json!(0)).await;
    assert_eq!(peer.event(&channel).await["order-id"], 1);
    idle(&mut peer).await;
    let event = NewEvent::new("Born", Payload::from_encoded(ODD.to_owned()));
    let stream = StreamName::parse("users").expect("a name");
    let append = Append::to(stream, ExpectedVersion::Any, vec![event], SystemClock.now());
    store.stores.events.append(append).await.expect("it is stored");
    peer.grant(&channel, 1).await;
    assert_eq!(peer.event(&channel).await["order-id"], 2);
    peer.close(true).await;
    store.server.shutdown().await;
}

async fn the_names_of_streams_are_asked_for(places: Places) {
    let store = Published::new(&places).await;
    let name = store.server.descriptor().identifier.clone();
    for form in Form::BOTH {
        let mut peer = store.peer(form).await;
        for stream in ["zebras", "apes"] {
            assert_eq!(peer.emit(stream, json!({})).await["status"], "PERSISTED");
        }
        let answer = peer.call(&name, "/stream-names", &json!({ "note": "Grüße" })).await;
        assert_eq!((answer.field("step"), &answer.payload["status"]), ("request.response", &json!(200)));
        let names = ["apes", "zebras"].map(|name| json!({ "stream-name": name }));
        assert_eq!(answer.body(), json!({ "streams": names }));
        peer.close(true).await;
    }
    store.server.shutdown().await;
}

async fn a_service_is_found_and_called(places: Places) {
    let name = format!("echo-{}", Uuid::new_v4());
    let echo = RpcServer::new()
        .path("/echo", "", async |asked: Request| Ok(Response::json(&asked.json::<Value>()?)));
    let server = Muon::builder(&name).tag("loud").transport(transport(&places)).discovery(discovery(&places));
    let server = server.serve(echo).start().await.expect("it starts");
    let connection = connect(&places).await;
    let found = guarded(Square::open(&connection).await.find(&name)).await;
    assert_eq!(found["tags"], json!(["loud"]));
    let instance = found["instanceId"].as_str().expect("an instance");
    for form in Form::BOTH {
        let mut peer = Peer::open(&connection, CLIENT, (&name, instance), form).await;
        let echo = peer.call(&name, "/echo", &odd()).await;
        assert_eq!((echo.field("step"), echo.body()), ("request.response", odd()));
        let missing = peer.call(&name, "/nowhere", &odd()).await;
        assert_eq!((missing.field("step"), &missing.payload["status"]), ("request.invalid", &json!("404")));
        let channel = peer.begin("introspect", "introspectionRequested", &json!({})).await;
        let report = peer.next_on(&channel).await;
        assert_eq!(report.field("step"), "introspectResponse");
        assert_eq!(report.payload["serviceName"], name);
        assert!(report.payload.to_string().contains("/echo"), "{report:?}");
        peer.close(true).await;
    }
    server.shutdown().await;
}

/// Whoever deletes them. Newton deletes the one it reads while the peer is still there.
async fn a_closed_channel_leaves_no_queue(places: Places) {
    let store = Published::new(&places).await;
    let mut queues = Vec::new();
    for is_deleting in [true, false] {
        let mut peer = store.peer(Form::Deflated).await;
        assert_eq!(peer.emit("users", json!({})).await["status"], "PERSISTED");
        queues.extend(peer.queues());
        let hand = peer.close(is_deleting).await;
        assert_gone(&store.connection, std::slice::from_ref(&hand.outgoing)).await;
        hand.channel.close(200, "done".into()).await.expect("closed");
    }
    until(|| store.server.served_channels() == 0).await;
    queues.push(ShortString::from(format!("service.{}", store.server.descriptor().identifier)));
    store.server.shutdown().await;
    assert_gone(&store.connection, &queues).await;
}
