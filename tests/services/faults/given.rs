//! A store service and a client of it, what is written to it and read from it while something breaks, and what must be there then.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use newton::domain::{Clock, NewEvent, SystemClock};
use newton::muon::discovery::StaticList;
use newton::muon::protocol::event::{self, Emit, Part, Processed, Replayed, replay};
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use newton::muon::{Builder, Descriptor, Muon, RemoteService};
use newton::server::StoreService;
use newton::store::muon::{RemoteOptions, RemoteStore};
use newton::store::{Append, EventStore, EventStoreExt, MemoryStore, Read, Selection, Stores};
use newton::subscription::{Subscribe, Subscription, Subscriptions};
use newton::{ErrorKind, ExpectedVersion, OrderId, Payload, Retry, StreamName};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::Proxy;
use crate::amqp::{GUARD, guarded};
use crate::command_line::Server;
use crate::service::Service;
use crate::trial::Places;

/// Events of a trial, in so many streams.
pub(super) const EVENTS: u64 = 10_000;
const STREAMS: u64 = 40;
/// The domain stream that they are in.
pub(super) const DOMAIN: &str = "faults/Stream";
const EACH: u64 = EVENTS / STREAMS;
/// How long what cannot be had yet is left alone.
const PAUSE: Duration = Duration::from_millis(20);

/// A store in memory, its service and a client of it.
pub(super) struct Given {
    pub(super) stores: Stores,
    pub(super) server: Muon,
    pub(super) client: Muon,
    pub(super) name: String,
    /// Tasks of the runtime before any of it was there.
    tasks: usize,
}

impl Given {
    /// A client that knows the service without looking for it.
    pub(super) async fn new(server: AmqpTransport, client: AmqpTransport, url: &str) -> Self {
        let service = named().transport(server);
        let url = url.to_owned();
        Self::start(service, async |service| {
            let known = Descriptor { connection_urls: vec![url], ..service };
            client_of(client, known).await
        })
        .await
    }

    /// Both reach the broker over the proxy.
    pub(super) async fn behind(proxy: &Proxy) -> Self {
        let transport = || AmqpTransport::new(proxy.url(), AmqpOptions::default()).expect("a sound URL");
        Self::new(transport(), transport(), proxy.url()).await
    }

    /// The builder makes the service, the function a client of it.
    pub(super) async fn start(service: Builder, client: impl AsyncFnOnce(Descriptor) -> Muon) -> Self {
        let tasks = Handle::current().metrics().num_alive_tasks();
        let stores = Stores::of(MemoryStore::new());
        let server = StoreService::new(stores.clone()).publish(service).start().await.expect("it starts");
        let client = client(server.descriptor().clone()).await;
        let name = server.descriptor().identifier.clone();
        Self { stores, server, client, name, tasks }
    }

    pub(super) async fn remote(&self) -> RemoteStore {
        open(&self.client, &self.name).await
    }

    pub(super) async fn service(&self) -> RemoteService {
        self.client.service(&self.name).await.expect("it is known")
    }

    /// Stores events in the first stream, without asking the service.
    pub(super) async fn add(&self, events: u64) -> Vec<OrderId> {
        let mut order_ids = Vec::new();
        for number in 0..events {
            order_ids
                .push(self.stores.events.append(append(0, number)).await.expect("it is stored").order_id);
        }
        order_ids
    }

    /// Ends both, and sees that nothing goes on.
    pub(super) async fn end(self) {
        self.client.shutdown().await;
        self.server.shutdown().await;
        assert_eq!(self.server.served_channels(), 0);
        drop((self.client, self.server, self.stores));
        until(|| Handle::current().metrics().num_alive_tasks() <= self.tasks).await;
    }
}

/// A service under a name that nobody else has.
pub(super) fn named() -> Builder {
    Muon::builder(format!("events-{}", Uuid::new_v4()))
}

pub(super) async fn client_of(transport: AmqpTransport, service: Descriptor) -> Muon {
    let client = Muon::builder("client").transport(transport).discovery(StaticList::new([service]));
    client.start().await.expect("the client starts")
}

pub(super) async fn open(client: &Muon, name: &str) -> RemoteStore {
    let options = RemoteOptions { patience: GUARD, ..RemoteOptions::default() };
    RemoteStore::open(client, name, options).await.expect("the store opens")
}

/// A process that serves a store, as a client knows it that has not looked for it.
pub(super) fn described(server: &Server, places: &Places) -> Descriptor {
    Descriptor {
        instance_id: None,
        connection_urls: vec![places.of_service(Service::RabbitMq).to_owned()],
        capabilities: vec!["newton-event".to_owned()],
        ..Descriptor::new(&server.name)
    }
}

/// What such a process serves.
pub(super) async fn remote_of(client: &Muon, server: &Server) -> (RemoteStore, RemoteService) {
    (open(client, &server.name).await, client.service(&server.name).await.expect("it is known"))
}

/// Waits for something that nothing tells of.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    guarded(async {
        while !holds() {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
}

fn name_of(stream: u64) -> String {
    format!("{DOMAIN}/{stream}")
}

/// All events of a trial. Whoever shares the broker may find the store and emit something else.
pub(super) fn all() -> Selection {
    Selection::Domain(StreamName::parse(DOMAIN).expect("a name"))
}

pub(super) fn append(stream: u64, number: u64) -> Append {
    let stream = StreamName::parse(name_of(stream)).expect("a name");
    let event = NewEvent::new("Counted", Payload::of(&number).expect("JSON"));
    Append::to(stream, ExpectedVersion::Any, vec![event], SystemClock.now())
}

/// Writes numbers to each stream, one after another: to every other one as the store's client, to the rest by emits that are made
/// again until they are answered. Gives back the order ids of each.
pub(super) async fn write_all(remote: &RemoteStore, service: &RemoteService) -> Vec<Vec<OrderId>> {
    join_all((0..STREAMS).map(|stream| async move {
        let mut order_ids = Vec::new();
        for number in 0..EACH {
            order_ids.push(if stream % 2 == 0 {
                remote.append(append(stream, number)).await.expect("acknowledged").order_id
            } else {
                emitted(service, stream, number).await
            });
        }
        order_ids
    }))
    .await
}

async fn emitted(service: &RemoteService, stream: u64, number: u64) -> OrderId {
    let mut event = Emit::new(name_of(stream), "Counted", number.to_string()).expect("JSON");
    event.id = Some(Uuid::now_v7().to_string());
    loop {
        let tried = async {
            event::emit(service.channel(event::PROTOCOL).await?, &event, service.timings().rpc).await
        };
        match tried.await {
            Ok(Processed::Persisted { order_id, .. }) => return OrderId(order_id),
            Ok(Processed::Failed { cause }) => panic!("refused: {cause}"),
            Err(error) => assert_outage(&error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// That an error says no more than that somebody is not there now.
fn assert_outage(error: &newton::Error) {
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::NotFound), "{error:?}");
}

/// Follows the store from now on.
pub(super) async fn opened(remote: &RemoteStore, subscribe: Subscribe) -> Subscription {
    Subscriptions::new(Arc::new(remote.clone())).open(subscribe).await.expect("it opens")
}

/// The order ids of all events, of a subscription that was opened before the first.
pub(super) async fn follow_all(mut all: Subscription) -> Vec<u64> {
    let mut order_ids = Vec::new();
    while (order_ids.len() as u64) < EVENTS {
        match all.next().await.expect("it goes on") {
            Ok(event) => order_ids.push(event.order_id.0),
            Err(error) => assert_eq!(error.retry(), Retry::Later, "{error:?}"),
        }
    }
    order_ids
}

/// Each acknowledged event is in its stream once, in order, where its acknowledgement says; and there is no other.
pub(super) async fn assert_each_once(events: &dyn EventStore, acknowledged: &[Vec<OrderId>]) {
    let stored = events.read_all(Read::of(all())).await.expect("events");
    assert_eq!(stored.len() as u64, EVENTS);
    let mut found = vec![(Vec::new(), Vec::new()); acknowledged.len()];
    for event in &stored {
        let stream: usize =
            event.stream.as_str().rsplit('/').next().and_then(|n| n.parse().ok()).expect("ours");
        let number: u64 = serde_json::from_slice(event.payload.as_bytes()).expect("a number");
        found[stream].0.push(event.order_id);
        found[stream].1.push(number);
    }
    for ((order_ids, numbers), acknowledged) in found.iter().zip(acknowledged) {
        assert_eq!(order_ids, acknowledged);
        assert_eq!(numbers, &(0..EACH).collect::<Vec<_>>());
    }
}

/// That these are the order ids of all events of these streams, in order.
pub(super) fn assert_all(order_ids: &[u64], streams: &[Vec<OrderId>]) {
    let mut all: Vec<_> = streams.iter().flatten().map(|order_id| order_id.0).collect();
    all.sort_unstable();
    assert_eq!(order_ids, all);
}

/// Reads all events page by page out of a remote store; `disturb` is told how many there were so far.
pub(super) async fn page_through(remote: &RemoteStore, mut disturb: impl FnMut(usize)) -> Vec<u64> {
    let mut events = std::pin::pin!(remote.events(Read::of(all()).limit(100)));
    let mut read = Vec::new();
    while let Some(event) = guarded(events.next()).await {
        read.push(event.expect("no error").order_id.0);
        disturb(read.len());
    }
    read
}

/// Replays all events as a stream, which breaks and says so, and then again from the next order id. Gives back what came, and
/// how often it broke; `disturb` is told how many there were so far.
pub(super) async fn replay_all(service: &RemoteService, mut disturb: impl FnMut(usize)) -> (Vec<u64>, u32) {
    let (mut replayed, mut broken) = (Vec::new(), 0);
    guarded(async {
        while let Err(error) = replay_on(service, &mut replayed, &mut disturb).await {
            assert_outage(&error);
            broken += 1;
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    (replayed, broken)
}

async fn replay_on(
    service: &RemoteService,
    replayed: &mut Vec<u64>,
    disturb: &mut impl FnMut(usize),
) -> newton::Result<()> {
    let next = replayed.last().map_or(0, |last| last + 1);
    let mut cold = service.subscribe(&replay(DOMAIN, Part::Cold, next), 100).await?;
    while let Some(item) = cold.next().await? {
        replayed.push(serde_json::from_slice::<Replayed>(&item).expect("an event").order_id);
        disturb(replayed.len());
    }
    Ok(())
}
