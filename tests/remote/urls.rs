//! Stores by their URL: of a service that Newton publishes, and of one that only takes and replays events.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::try_unfold;
use newton::domain::{Cause, Clock, Metadata, NewEvent, Schema, SystemClock, Tag};
use newton::muon::discovery::MemoryDiscovery;
use newton::muon::protocol::event::{Emit, EventServer, Processed, REPLAY, Sink, emit};
use newton::muon::protocol::reactive_stream::{Items, Request, StreamServer};
use newton::muon::transport::MemoryNetwork;
use newton::muon::{Builder, Muon, RemoteService};
use newton::registry::Registry;
use newton::server::{StoreService, Tokens};
use newton::store::{
    Append, Expect, Load, MemoryStore, Read, Selection, StateKey, StateWrite, Stores, Streams, open,
};
use newton::{Error, ErrorKind, ExpectedVersion, Newton, OrderId, Payload, StreamName, Version};
use newton_tests::bank::Account;
use uuid::Uuid;

/// A network of its own.
pub(super) fn network() -> (String, impl Fn(&str) -> Builder) {
    let name = Uuid::new_v4().to_string();
    let (network, discovery) = (MemoryNetwork::named(&name), MemoryDiscovery::named(&name));
    let builder = move |service: &str| {
        Muon::builder(service).transport(network.transport()).discovery(discovery.clone())
    };
    (name, builder)
}

/// A service that passes on emits and replays of another one, and offers nothing else.
#[derive(Clone, Debug)]
struct Plain(RemoteService);

#[async_trait]
impl Sink for Plain {
    async fn store(&self, event: Emit, _: &str) -> Result<Processed, Error> {
        emit(self.0.channel("event").await?, &event, Duration::from_secs(30)).await
    }
}

impl Plain {
    async fn replay(self, request: Request) -> Result<Items, Error> {
        let replay = self.0.subscribe(&request, 10).await?;
        let next = |mut replay: newton::muon::protocol::reactive_stream::Subscription| async move {
            Ok(replay.next().await?.map(|item| (item, replay)))
        };
        Ok(try_unfold(replay, next).boxed())
    }
}

/// The URL of a plain store, and what has to be kept for it.
async fn plain() -> (String, Muon, Muon) {
    let (name, builder) = network();
    let stores = StoreService::new(Stores::of(MemoryStore::new())).tokens(Tokens::parse("right").unwrap());
    let behind = stores.publish(builder("behind")).start().await.unwrap();
    let asking = builder("asking").start().await.unwrap();
    let plain = Plain(asking.service("behind").await.unwrap());
    let streams = plain.clone();
    let streams =
        StreamServer::new().stream(REPLAY, "Events", move |request| streams.clone().replay(request));
    let front = builder("plain").serve(EventServer::new(plain)).serve(streams).start().await.unwrap();
    (format!("muon+memory://{name}/plain?token=right"), behind, front)
}

fn born(stream: &str) -> Append {
    let event = NewEvent::new("Born", Payload::json("{ \"n\": 1.50 }").unwrap());
    to(stream, ExpectedVersion::Any, event)
}

fn to(stream: &str, expected: ExpectedVersion, event: NewEvent) -> Append {
    Append::to(StreamName::parse(stream).unwrap(), expected, vec![event], SystemClock.now())
}

fn kind<T>(outcome: Result<T, Error>) -> ErrorKind {
    outcome.err().expect("it is refused").kind().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_opens_what_a_service_publishes() {
    let (name, builder) = network();
    let stores = StoreService::new(Stores::of(MemoryStore::new())).tokens(Tokens::parse("right").unwrap());
    let _server = stores.publish(builder("events")).start().await.unwrap();
    let url = format!("muon+memory://{name}/events");
    assert_eq!(kind(open(&url).await), ErrorKind::Forbidden);
    let stores = open(&format!("{url}?token=right")).await.unwrap();
    assert!(stores.events.capability().expected_versions);
    assert_eq!(stores.events.append(born("users")).await.unwrap().order_id, OrderId(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_instance_behind_a_url_ends_with_the_stores() {
    let (name, builder) = network();
    let server = StoreService::new(Stores::of(MemoryStore::new()));
    let server = server.publish(builder("events")).start().await.unwrap();
    let stores = open(&format!("muon+memory://{name}/events")).await.unwrap();
    assert!(server.served_channels() > 0);
    drop(stores);
    while server.served_channels() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_url_is_refused_without_its_secrets() {
    for url in [
        "muon+memory://network?token=secret",
        "muon+memory:network/events?token=secret",
        "muon+memory:///events?token=secret",
        "muon+memory://network/events?tokens=secret",
        "muon+memory://network/events?token=%FFsecret",
        "muon+amqp://me:secret@127.0.0.1",
        "muon+amqp://me:secret@127.0.0.1/events?insecure=secret",
        "muon+amqp://me:secret/x@127.0.0.1/events",
        "muon+amqp://me:1?secret@127.0.0.1/events",
        "muon+amqp://me:secret@broker.invalid/events",
        "muon+amqps://me:secret@127.0.0.1/events?insecure=true",
        "muon+amqps://me:secret@127.0.0.1/events?ca=/there/is/none",
        "muon+pigeon://me:secret@network/events",
        "pigeon://me:secret@network/events",
    ] {
        let error = open(url).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Configuration, "{url}");
        let app = Newton::builder().store(url);
        assert!(!format!("{error:?}{app:?}").contains("secret"), "{error:?}{app:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_option_that_is_none_is_named() {
    for (url, option) in [
        ("muon+memory://network/events?tokens=x", "`tokens`"),
        ("muon+memory://network/events?insecure=true", "`insecure`"),
        ("muon+amqp://127.0.0.1/events?ca=file", "`ca`"),
        ("muon+amqp://127.0.0.1/events?token=x&verify=none", "`verify`"),
    ] {
        let error = open(url).await.unwrap_err();
        assert!(error.to_string().contains(option), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_travel_in_the_clear_only_where_that_is_asked_for() {
    let url = "muon+amqp://me:secret@broker.invalid/events";
    let refused = open(url).await.unwrap_err();
    assert!(refused.to_string().contains("insecure"), "{refused}");
    // There is no such host, which shows that it was looked for.
    assert_eq!(kind(open(&format!("{url}?insecure=true")).await), ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_tokens_are_read_as_they_are_meant() {
    let (name, builder) = network();
    let stores = StoreService::new(Stores::of(MemoryStore::new())).tokens(Tokens::parse("a+b&c%").unwrap());
    let _server = stores.publish(builder("events of Zoë?")).start().await.unwrap();
    let url = format!("muon+memory://{}/events%20of%20Zo%C3%AB%3F", name.replace('-', "%2D"));
    assert_eq!(kind(open(&format!("{url}?token=a%20b%26c%25")).await), ErrorKind::Forbidden);
    let stores = open(&format!("{url}?token=a%2Bb%26c%25")).await.unwrap();
    assert_eq!(stores.events.append(born("users")).await.unwrap().order_id, OrderId(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_store_takes_events_and_replays_them() {
    let (url, _behind, _front) = plain().await;
    let events = open(&url).await.unwrap().events;
    let mut event = NewEvent::new("Wed", Payload::json("[1.50]").unwrap());
    event.schema = Schema::Text("v2".into());
    event.metadata = std::sync::Arc::new(Metadata {
        service: Some("registry".into()),
        cause: Some(Cause { id: "elsewhere".into(), relation: Some("CHILD".into()) }),
        ..Metadata::default()
    });
    let appended = events.append(to("users", ExpectedVersion::Any, event.clone())).await.unwrap();
    assert_eq!(appended.order_id, OrderId(1));
    // The same id again is the same event.
    assert_eq!(
        events.append(to("users", ExpectedVersion::Any, event.clone())).await.unwrap().order_id,
        OrderId(1)
    );
    for stream in ["users", "others", "users"] {
        events.append(born(stream)).await.unwrap();
    }

    let users = Selection::Stream(StreamName::parse("users").unwrap());
    let page = events.read(Read::of(users).limit(2)).await.unwrap();
    assert_eq!(page.events[0].id, event.id);
    assert_eq!(page.events[0].payload, event.payload);
    assert_eq!(page.events[0].schema, event.schema);
    assert_eq!(page.events[0].metadata.cause, event.metadata.cause);
    assert_eq!(page.events[0].metadata.service, event.metadata.service);
    let order_ids =
        |page: &newton::store::Page| page.events.iter().map(|event| event.order_id.0).collect::<Vec<_>>();
    assert_eq!(order_ids(&page), [1, 2]);
    let rest = events.read(Read::of(Selection::All).from(page.next.unwrap())).await.unwrap();
    assert_eq!((order_ids(&rest), rest.next), (vec![3, 4], None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_store_refuses_what_it_cannot_do() {
    let (url, _behind, _front) = plain().await;
    let Stores { events, state, .. } = open(&url).await.unwrap();
    let event = || NewEvent::new("Born", Payload::json("{}").unwrap());
    let tagged = NewEvent { tags: vec![Tag::new("owner", "ada")], ..event() };
    let users = StreamName::parse("users").unwrap();
    for append in [
        to("users", ExpectedVersion::Exact(Version(1)), event()),
        to("users", ExpectedVersion::NoStream, event()),
        to("users", ExpectedVersion::Any, tagged),
    ] {
        assert_eq!(kind(events.append(append).await), ErrorKind::Unsupported);
    }
    let backward = Read::of(Selection::All).backward();
    assert_eq!(kind(events.read(backward).await), ErrorKind::Unsupported);
    let load = Load { stream: users, after: Version(0), limit: 1 };
    assert_eq!(kind(events.load(load).await), ErrorKind::Unsupported);
    assert_eq!(kind(events.head().await), ErrorKind::Unsupported);
    assert_eq!(kind(events.streams(Streams::all()).await), ErrorKind::Unsupported);
    let write = StateWrite { key: StateKey::new("space", "key"), expect: Expect::Any, value: None };
    assert_eq!(kind(state.write(vec![write]).await), ErrorKind::Unsupported);
    assert!(events.read(Read::of(Selection::All)).await.unwrap().events.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_with_aggregates_does_not_start_on_a_plain_store() {
    let (url, _behind, _front) = plain().await;
    let refused = Newton::builder().store(&url).only::<Account>().start().await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Unsupported);
    for word in ["expected versions", "Account"] {
        assert!(refused.to_string().contains(word), "{refused}");
    }
    let app = Newton::builder().store(&url).registry(Registry::empty()).start().await.unwrap();
    app.events().append(born("users")).await.unwrap();
    app.shutdown(Duration::from_secs(30)).await;
}
