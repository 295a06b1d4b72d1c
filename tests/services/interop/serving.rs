//! Newton as the client of what the published library serves.

use std::sync::Arc;

use newton::domain::{Clock, NewEvent, SystemClock};
use newton::muon::discovery::StaticList;
use newton::muon::protocol::event::{Emit, Part, Processed, Replayed, emit, replay};
use newton::muon::protocol::reactive_stream::{Request, Subscription};
use newton::muon::protocol::rpc;
use newton::muon::{Descriptor, Muon, RemoteService};
use newton::registry::Registry;
use newton::store::muon::{PlainStore, RemoteOptions, RemoteStore};
use newton::store::{Append, MemoryStore, Position, Read, Selection, Stores};
use newton::{ErrorKind, ExpectedVersion, Newton, OrderId, Payload, StreamName};
use newton_tests::bank::Account;
use newton_tests::ledger::Ledger;
use serde_json::{Value, json};

use super::driver::values;
use super::{Driver, ODD, STORE, alone, client};
use crate::amqp::{GUARD, guarded, transport};
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq, Service::MuonClient], "interop::serving": [
        it_is_called_and_answers,
        its_streams_are_subscribed_to,
        its_store_takes_events_and_replays_them,
    ])
}

async fn it_is_called_and_answers(places: Places) {
    let server = Driver::serving(&places, "rpc-server", &[]).await;
    let newton = client(&places).await;
    let service = guarded(newton.service(&server.service)).await.expect("it is found");
    let body: Value = serde_json::from_str(ODD).expect("JSON");
    let ask = |path: &str| rpc::Request::new(&server.service, path);
    let echo = service.rpc(&ask("/echo").with_json(&body)).await.expect("an answer");
    assert_eq!((echo.status, echo.parse::<Value>().expect("JSON")), (200, json!({ "body": body })));
    let auth = service.rpc(&ask("/auth").with_auth(json!({ "token": "secret" }))).await.expect("an answer");
    assert_eq!(auth.parse::<Value>().expect("JSON"), json!({ "auth": { "token": "secret" } }));
    let missing = service.rpc(&ask("/nothing")).await.expect_err("there is no such path");
    assert_eq!(*missing.kind(), ErrorKind::NotFound, "{missing:?}");
    let report = service.introspect().await.expect("an answer");
    assert_eq!(report.service_name, server.service);
    let rpc = report.protocols.iter().find(|protocol| protocol.protocol_scheme == "rpc").expect("rpc");
    assert!(rpc.operations.iter().any(|operation| operation.resource == "/echo"), "{rpc:?}");
    newton.shutdown().await;
    let lines = server.rest().await;
    assert_eq!(values(&lines, "path"), ["/echo", "/auth"]);
}

async fn take(subscription: &mut Subscription, count: usize) -> Vec<Value> {
    let mut items = Vec::new();
    while items.len() < count {
        let item = guarded(subscription.next()).await.expect("no error").expect("an item");
        items.push(serde_json::from_slice(&item).expect("JSON"));
    }
    items
}

async fn its_streams_are_subscribed_to(places: Places) {
    let server = Driver::serving(&places, "publish", &[]).await;
    let newton = client(&places).await;
    let service = guarded(newton.service(&server.service)).await.expect("it is found");
    let numbers = |count: usize| (0..count).map(|number| json!({ "number": number })).collect::<Vec<_>>();

    let mut subscription = service.subscribe(&Request::new("/numbers"), 10).await.expect("it begins");
    assert_eq!(take(&mut subscription, 25).await, numbers(25));
    assert!(guarded(subscription.next()).await.expect("no error").is_none(), "it ends");

    let mut endless = service.subscribe(&Request::new("/endless"), 10).await.expect("it begins");
    assert_eq!(take(&mut endless, 100).await, numbers(100));
    endless.cancel();

    let mut broken = service.subscribe(&Request::new("/broken"), 10).await.expect("it begins");
    assert_eq!(take(&mut broken, 1).await, numbers(1));
    let error = guarded(broken.next()).await.expect_err("it is broken");
    assert!(error.to_string().contains("broken after one"), "{error}");

    let unknown = service.subscribe(&Request::new("/unknown"), 10).await;
    unknown.map(drop).expect_err("there is no such stream");
    newton.shutdown().await;
    let steps = values(&server.rest().await, "step");
    assert!(steps.contains(&json!("Cancelled")), "{steps:?}");
}

async fn its_store_takes_events_and_replays_them(places: Places) {
    let _alone = alone().await;
    let store = Driver::named(&places, "store", STORE, &["--token", "secret"]).ready().await;
    let known = Descriptor { instance_id: None, ..Descriptor::new(STORE) };
    let urls = vec![places.of_service(Service::RabbitMq).to_owned()];
    let known = StaticList::new([Descriptor { connection_urls: urls, ..known }]);
    let newton = Muon::builder("interop-newton").transport(transport(&places)).discovery(known);
    let newton = newton.start().await.expect("the client starts");
    let service = newton.service(STORE).await.expect("it is known");

    let mut event = Emit::new("orders", "Placed", ODD).expect("JSON");
    let channel = service.channel("event").await.expect("a channel");
    let refused = emit(channel, &event, GUARD).await.expect("an answer");
    assert!(matches!(&refused, Processed::Failed { cause } if cause.contains("token")), "{refused:?}");
    event.token = Some("secret".to_owned());
    for order_id in 1..=12 {
        let channel = service.channel("event").await.expect("a channel");
        let stored = emit(channel, &event, GUARD).await.expect("an answer");
        assert!(matches!(stored, Processed::Persisted { order_id: stored, .. } if stored == order_id));
    }
    let request = replay("orders", Part::Cold, 3).with("token", "secret");
    let mut cold = service.subscribe(&request, 10).await.expect("it begins");
    for order_id in 3..=12 {
        let item = guarded(cold.next()).await.expect("no error").expect("an event");
        let event: Replayed = serde_json::from_slice(&item).expect("an event");
        assert_eq!((event.order_id, event.payload.get()), (order_id, ODD));
    }
    assert!(guarded(cold.next()).await.expect("no error").is_none());

    // What an app needs, a plain store can't give.
    let opened = RemoteStore::open(&newton, STORE, RemoteOptions::default()).await;
    let error = opened.map(drop).expect_err("a plain store");
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    a_plain_store_is_enough_for_an_app_without_aggregates(service).await;
    newton.shutdown().await;
    drop(store);
}

async fn a_plain_store_is_enough_for_an_app_without_aggregates(service: RemoteService) {
    let options = RemoteOptions { token: Some("secret".to_owned()), ..RemoteOptions::default() };
    let store = Arc::new(PlainStore::new(service, options));
    let stores = || Stores { events: store.clone(), ..Stores::of(MemoryStore::new()) };
    let refused =
        Newton::builder().stores(stores()).only::<Account>().start().await.expect_err("an aggregate");
    assert!(refused.to_string().contains("expected versions"), "{refused}");
    let refused =
        Newton::builder().stores(stores()).only::<Ledger>().start().await.expect_err("a projection");
    assert!(refused.to_string().contains("head"), "{refused}");

    let app =
        Newton::builder().stores(stores()).registry(Registry::empty()).start().await.expect("it starts");
    let event = NewEvent::new("Placed", Payload::json(ODD).expect("JSON"));
    let stream = StreamName::parse("orders").expect("a name");
    let append = Append::to(stream.clone(), ExpectedVersion::Any, vec![event], SystemClock.now());
    assert_eq!(app.events().append(append).await.expect("it is stored").order_id, OrderId(13));
    let read = Read::of(Selection::Stream(stream)).from(Position::OrderId(OrderId(13)));
    let page = app.events().read(read).await.expect("events");
    assert_eq!(String::from_utf8_lossy(page.events[0].payload.as_bytes()), ODD);
    app.shutdown(GUARD).await;
}
