//! Connections that are cut, silent or slow, and a service that is killed: nothing is lost, and nothing comes twice.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use newton::domain::{Clock, NewEvent, SystemClock};
use newton::muon::discovery::StaticList;
use newton::muon::protocol::event::{Part, Replayed, replay};
use newton::muon::protocol::reactive_stream::Subscription;
use newton::muon::protocol::rpc;
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use newton::muon::{Descriptor, Muon, RemoteService};
use newton::server::StoreService;
use newton::store::muon::{RemoteOptions, RemoteStore};
use newton::store::{Append, EventStore, EventStoreExt, MemoryStore, Read, Selection, Stores};
use newton::subscription::{Subscribe, Subscriptions};
use newton::{ErrorKind, ExpectedVersion, OrderId, Payload, Retry, StreamName};
use uuid::Uuid;

use super::{Proxy, impatient};
use crate::amqp::{GUARD, guarded, transport};
use crate::command_line::Server;
use crate::interop::alone;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

/// Events of a trial, in so many streams.
const EVENTS: u64 = 2_000;
const STREAMS: u64 = 4;

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "faults": [
        appends_and_subscriptions_go_on_over_cut_connections,
        replays_go_on_over_cut_connections,
        a_service_that_is_killed_goes_on_from_its_file,
        a_silent_peer_fails_its_channels,
        a_slow_consumer_loses_nothing,
    ])
}

/// A store in memory, its service and a client of it.
struct Given {
    stores: Stores,
    server: Muon,
    client: Muon,
    name: String,
}

impl Given {
    async fn new(server: AmqpTransport, client: AmqpTransport, url: &str) -> Self {
        let name = format!("events-{}", Uuid::new_v4());
        let stores = Stores::of(MemoryStore::new());
        let builder = Muon::builder(&name).transport(server);
        let server = StoreService::new(stores.clone()).publish(builder).start().await.expect("it starts");
        let known = Descriptor { connection_urls: vec![url.to_owned()], ..server.descriptor().clone() };
        let client = client_of(client, known).await;
        Self { stores, server, client, name }
    }

    /// Both reach the broker over the proxy.
    async fn behind(proxy: &Proxy) -> Self {
        let transport = || AmqpTransport::new(proxy.url(), AmqpOptions::default()).expect("a sound URL");
        Self::new(transport(), transport(), proxy.url()).await
    }

    async fn remote(&self) -> RemoteStore {
        open(&self.client, &self.name).await
    }

    async fn service(&self) -> RemoteService {
        self.client.service(&self.name).await.expect("it is known")
    }

    async fn add(&self, events: u64) {
        for number in 0..events {
            self.stores.events.append(append(0, number)).await.expect("it is stored");
        }
    }

    async fn end(self) {
        self.client.shutdown().await;
        self.server.shutdown().await;
    }
}

async fn client_of(transport: AmqpTransport, service: Descriptor) -> Muon {
    let client = Muon::builder("client").transport(transport).discovery(StaticList::new([service]));
    client.start().await.expect("the client starts")
}

async fn open(client: &Muon, name: &str) -> RemoteStore {
    let options = RemoteOptions { patience: GUARD, ..RemoteOptions::default() };
    RemoteStore::open(client, name, options).await.expect("the store opens")
}

fn append(stream: u64, number: u64) -> Append {
    let stream = StreamName::parse(format!("faults/Stream/{stream}")).expect("a name");
    let event = NewEvent::new("Counted", Payload::of(&number).expect("JSON"));
    Append::to(stream, ExpectedVersion::Any, vec![event], SystemClock.now())
}

/// Appends numbers to each stream, one after another, and gives back the order ids of each.
async fn append_all(remote: &RemoteStore) -> Vec<Vec<OrderId>> {
    let appends = (0..STREAMS).map(|stream| async move {
        let mut order_ids = Vec::new();
        for number in 0..EVENTS / STREAMS {
            order_ids.push(remote.append(append(stream, number)).await.expect("acknowledged").order_id);
        }
        order_ids
    });
    futures_util::future::join_all(appends).await
}

/// Each acknowledged event is in its stream once, in order, where its acknowledgement says; and there is no other.
async fn assert_each_once(events: &dyn EventStore, acknowledged: &[Vec<OrderId>]) {
    let stored = events.read_all(Read::of(Selection::All)).await.expect("events");
    assert_eq!(stored.len() as u64, EVENTS);
    for (stream, order_ids) in acknowledged.iter().enumerate() {
        let mine = stored.iter().filter(|event| event.stream.as_str() == format!("faults/Stream/{stream}"));
        let (found, numbers): (Vec<_>, Vec<u64>) = mine
            .map(|event| {
                (event.order_id, serde_json::from_slice::<u64>(event.payload.as_bytes()).expect("a number"))
            })
            .unzip();
        assert_eq!(&found, order_ids);
        assert_eq!(numbers, (0..EVENTS / STREAMS).collect::<Vec<_>>());
    }
}

async fn appends_and_subscriptions_go_on_over_cut_connections(places: Places) {
    let proxy = Proxy::before(places.of_service(Service::RabbitMq));
    let given = Given::behind(&proxy).await;
    let remote = given.remote().await;
    let cutting = async {
        let mut head = given.stores.events.head().await.expect("a head");
        for beyond in (100..EVENTS).step_by(300) {
            head.beyond(OrderId(beyond)).await.expect("a head");
            assert!(proxy.cut(), "what was cut is connected again");
        }
    };
    let following = async {
        let subscriptions = Subscriptions::new(Arc::new(remote.clone()));
        let mut all = subscriptions.open(Subscribe::hot_cold(Selection::All)).await.expect("it opens");
        let mut order_ids = Vec::new();
        while (order_ids.len() as u64) < EVENTS {
            match futures_util::StreamExt::next(&mut all).await.expect("it goes on") {
                Ok(event) => order_ids.push(event.order_id.0),
                Err(error) => assert_eq!(error.retry(), Retry::Later, "{error:?}"),
            }
        }
        order_ids
    };
    let (acknowledged, (), followed) =
        guarded(async { tokio::join!(append_all(&remote), cutting, following) }).await;
    assert_each_once(&*given.stores.events, &acknowledged).await;
    assert_eq!(followed, (1..=EVENTS).collect::<Vec<_>>());
    given.end().await;
}

async fn replays_go_on_over_cut_connections(places: Places) {
    let proxy = Proxy::before(places.of_service(Service::RabbitMq));
    let given = Given::behind(&proxy).await;
    given.add(EVENTS).await;
    // Page by page out of the remote store.
    let remote = given.remote().await;
    let mut events = std::pin::pin!(remote.events(Read::of(Selection::All).limit(50)));
    let mut read = Vec::new();
    while let Some(event) = guarded(events.try_next()).await.expect("no error") {
        read.push(event.order_id.0);
        if read.len() % 400 == 100 {
            proxy.cut();
        }
    }
    assert_eq!(read, (1..=EVENTS).collect::<Vec<_>>());

    // As a stream, which breaks and says so: whoever asks again from the next order id misses nothing.
    let service = given.service().await;
    let mut replayed: Vec<u64> = Vec::new();
    let mut broken = 0;
    guarded(async {
        loop {
            let next = replayed.last().map_or(0, |last| last + 1);
            let request = replay("faults/Stream/0", Part::Cold, next);
            let Ok(mut cold) = service.subscribe(&request, 100).await else { continue };
            match take_up_to_cut(&mut cold, &mut replayed, &proxy).await {
                Ok(()) => break,
                Err(error) => assert_eq!(*error.kind(), ErrorKind::Unavailable, "{error:?}"),
            }
            broken += 1;
        }
    })
    .await;
    assert_eq!(replayed, (1..=EVENTS).collect::<Vec<_>>());
    assert!(broken > 0);
    given.end().await;
}

/// Takes events until the end or an error; cuts the connection once on the way, while half of them are still to come.
async fn take_up_to_cut(cold: &mut Subscription, taken: &mut Vec<u64>, proxy: &Proxy) -> newton::Result<()> {
    let before = taken.len();
    while let Some(item) = cold.next().await? {
        let event: Replayed = serde_json::from_slice(&item).expect("an event");
        taken.push(event.order_id);
        if taken.len() == before + 300 && (taken.len() as u64) < EVENTS / 2 {
            proxy.cut();
        }
    }
    Ok(())
}

async fn a_service_that_is_killed_goes_on_from_its_file(places: Places) {
    let _alone = alone().await;
    let url = places.of_service(Service::RabbitMq);
    let mut server = Server::start(&places, &[]);
    let name = server.name.clone();
    let known = Descriptor {
        instance_id: None,
        connection_urls: vec![url.to_owned()],
        capabilities: vec!["newton-event".to_owned()],
        ..Descriptor::new(&name)
    };
    let client = client_of(transport(&places), known).await;
    let remote = open(&client, &name).await;
    let killing = async {
        let mut head = remote.head().await.expect("a head");
        for beyond in [300, 1_200] {
            head.beyond(OrderId(beyond)).await.expect("a head");
            assert_eq!(server.process.end_by("KILL"), None);
            server = tokio::task::block_in_place(|| server.again(&[]));
        }
        server
    };
    let (acknowledged, server) = guarded(async { tokio::join!(append_all(&remote), killing) }).await;
    assert_each_once(&remote, &acknowledged).await;
    drop(remote);
    client.shutdown().await;
    drop(server);
}

async fn a_silent_peer_fails_its_channels(places: Places) {
    let proxy = Proxy::before(places.of_service(Service::RabbitMq));
    let server = impatient(places.of_service(Service::RabbitMq));
    let given = Given::new(server, impatient(proxy.url()), proxy.url()).await;
    let service = given.service().await;
    let request = replay("faults/Stream/0", Part::HotCold, 0);
    let mut hot = service.subscribe(&request, 10).await.expect("it begins");
    given.add(1).await;
    guarded(hot.next()).await.expect("no error").expect("an event");
    assert!(given.server.served_channels() > 0);
    proxy.silence(true);
    let error = guarded(hot.next()).await.expect_err("the peer is silent");
    assert_eq!(*error.kind(), ErrorKind::Unavailable, "{error:?}");
    guarded(async {
        while given.server.served_channels() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    // Once it speaks again, so does everything.
    proxy.silence(false);
    guarded(async { while service.rpc(&rpc::Request::new(&given.name, "/stats")).await.is_err() {} }).await;
    given.end().await;
}

async fn a_slow_consumer_loses_nothing(places: Places) {
    let url = places.of_service(Service::RabbitMq);
    let given = Given::new(impatient(url), impatient(url), url).await;
    let service = given.service().await;
    let request = replay("faults/Stream/0", Part::HotCold, 0);
    let mut hot = service.subscribe(&request, 10).await.expect("it begins");
    given.add(EVENTS).await;
    let mut taken = Vec::new();
    while (taken.len() as u64) < EVENTS {
        if taken.len() % 700 == 5 {
            // Longer than a peer may be silent: one that does not read is not taken for gone.
            tokio::time::sleep(Duration::from_millis(1500)).await;
        }
        let item = guarded(hot.next()).await.expect("no error").expect("an event");
        taken.push(serde_json::from_slice::<Replayed>(&item).expect("an event").order_id);
    }
    assert_eq!(taken, (1..=EVENTS).collect::<Vec<_>>());
    given.end().await;
}
