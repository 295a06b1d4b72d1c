//! Muon over RabbitMQ: the promises of transports and of stores, and what only a broker can do to them.

use std::future::Future;
use std::ops::Deref;
use std::time::Duration;

use newton::muon::codec::Codecs;
use newton::muon::discovery::{AmqpDiscovery, DiscoveryExt, StaticList};
use newton::muon::protocol::rpc::{Request, Response, RpcServer};
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use newton::muon::{Discovery, Limits, Muon, Timings};
use newton::server::StoreService;
use newton::store::muon::{RemoteOptions, RemoteStore};
use newton::store::{MemoryStore, Stores};
use newton::testkit::muon::Sides;
use tokio::time::timeout;
use uuid::Uuid;

use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

/// A guard against what hangs; no trial waits for it.
pub(crate) const GUARD: Duration = Duration::from_mins(2);

pub(crate) fn trials() -> Vec<ServiceTrial> {
    let mut list = trials!([Service::RabbitMq], "amqp": [
        services_find_each_other,
        a_service_that_is_gone_is_forgotten,
        nobody_answers_and_discovery_is_ready,
        services_of_different_codecs_understand_each_other,
        a_slow_reader_of_few_bytes_loses_nothing,
    ]);
    newton::__transport_promises! { [transport_trials] list, json: Codecs::json() }
    newton::__transport_promises! { [transport_trials] list, binary: Codecs::default() }
    newton::__event_store_promises! { [store_trials] list }
    newton::__state_store_promises! { [store_trials] list }
    list
}

macro_rules! transport_trials {
    ($list:ident, $codec:ident: $codecs:expr, $($group:ident { $($promise:ident)* })*) => {$($(
        let name = concat!("amqp::transport::", stringify!($codec), "::", stringify!($group), "::", stringify!($promise));
        $list.push(ServiceTrial::new(&[Service::RabbitMq], name, async |places: Places| {
            let sides = Sides::new(transport(&places), transport(&places)).speaking($codecs);
            guarded(newton::testkit::muon::$group::$promise(&sides)).await;
        }));
    )*)*};
}
use transport_trials;

macro_rules! store_trials {
    ($list:ident, $kind:ident, $($group:ident { $($promise:ident)* })*) => {$($(
        let name = concat!("amqp::", stringify!($kind), "::", stringify!($group), "::", stringify!($promise));
        $list.push(ServiceTrial::new(&[Service::RabbitMq], name, async |places: Places| {
            let store = Served::new(&places).await;
            guarded(newton::testkit::contract::$kind::$group::$promise(&store)).await;
            store.end().await;
        }));
    )*)*};
}
use store_trials;

pub(crate) async fn guarded<T>(trial: impl Future<Output = T>) -> T {
    timeout(GUARD, trial).await.expect("done in two minutes")
}

pub(crate) fn transport(places: &Places) -> AmqpTransport {
    AmqpTransport::new(places.of_service(Service::RabbitMq), AmqpOptions::default()).expect("a sound URL")
}

/// Discovery that waits only shortly for answers.
pub(crate) fn discovery(places: &Places) -> AmqpDiscovery {
    discovery_at(places.of_service(Service::RabbitMq))
}

/// The same at the broker of a URL.
pub(crate) fn discovery_at(url: &str) -> AmqpDiscovery {
    let timings = Timings {
        announce: Duration::from_millis(200),
        silence: Duration::from_secs(1),
        discovery: Duration::from_millis(500),
        ..Timings::default()
    };
    AmqpDiscovery::new(url, AmqpOptions { timings, ..AmqpOptions::default() }).expect("a sound URL")
}

/// A store in memory that is reached over the broker, and that nobody else finds.
#[derive(Debug)]
struct Served {
    remote: RemoteStore,
    server: Muon,
    client: Muon,
}

impl Served {
    async fn new(places: &Places) -> Self {
        let name = format!("events-{}", Uuid::new_v4());
        let server = Muon::builder(&name).transport(transport(places));
        let server = StoreService::new(Stores::of(MemoryStore::new())).publish(server).start().await;
        let server = server.expect("the service starts");
        let known = StaticList::new([server.descriptor().clone()]);
        let client = Muon::builder("client").transport(transport(places)).discovery(known);
        let client = client.start().await.expect("the client starts");
        let remote = RemoteStore::open(&client, &name, RemoteOptions::default()).await;
        Self { remote: remote.expect("the store opens"), server, client }
    }

    async fn end(self) {
        drop(self.remote);
        self.client.shutdown().await;
        self.server.shutdown().await;
    }
}

impl Deref for Served {
    type Target = RemoteStore;

    fn deref(&self) -> &RemoteStore {
        &self.remote
    }
}

async fn services_find_each_other(places: Places) {
    let (name, tag) = (format!("bank-{}", Uuid::new_v4()), format!("tag-{}", Uuid::new_v4()));
    let bank = Muon::builder(&name).tag(&tag).transport(transport(&places)).discovery(discovery(&places));
    let bank = bank.start().await.expect("the bank starts");
    let shop = Muon::builder("shop").transport(transport(&places)).discovery(discovery(&places));
    let shop = shop.start().await.expect("the shop starts");
    let found = guarded(shop.service_with_tags(&[&tag])).await.expect("it is found by its tag");
    assert_eq!(found.introspect().await.expect("it answers").service_name, name);
    for url in &found.instances()[0].connection_urls {
        assert!(!url.contains('@'), "{url} carries credentials");
    }
    shop.shutdown().await;
    bank.shutdown().await;
}

async fn a_service_that_is_gone_is_forgotten(places: Places) {
    let name = format!("bank-{}", Uuid::new_v4());
    let bank = Muon::builder(&name).transport(transport(&places)).discovery(discovery(&places));
    let bank = bank.start().await.expect("the bank starts");
    let shop = Muon::builder("shop").transport(transport(&places)).discovery(discovery(&places));
    let shop = shop.start().await.expect("the shop starts");
    shop.service(&name).await.expect("it is found");
    bank.shutdown().await;
    let mut services = shop.discovery().services();
    guarded(async {
        while !shop.discovery().named(&name).is_empty() {
            services.changed().await;
        }
    })
    .await;
    shop.shutdown().await;
}

async fn nobody_answers_and_discovery_is_ready(places: Places) {
    let alone = discovery(&places);
    guarded(alone.ready()).await.expect("it is ready all the same");
    alone.close().await;
}

/// One speaks JSON alone, the other one more, either way round.
async fn services_of_different_codecs_understand_each_other(places: Places) {
    for is_server_old in [true, false] {
        let name = format!("echo-{}", Uuid::new_v4());
        let echo = RpcServer::new()
            .path("/echo", "", async |request: Request| Ok(Response::json(&request.json::<String>()?)));
        let server = Muon::builder(&name).transport(transport(&places)).serve(echo);
        let server = if is_server_old { server.only_json() } else { server };
        let server = server.start().await.expect("the server starts");
        let known = StaticList::new([server.descriptor().clone()]);
        let client = Muon::builder("client").transport(transport(&places)).discovery(known);
        let client = if is_server_old { client } else { client.only_json() };
        let client = client.start().await.expect("the client starts");
        let service = client.service(&name).await.expect("it is known");
        for text in ["first", "Grüße \u{1F680}"] {
            let request = Request::new(&name, "/echo").with_json(&text);
            let answer = guarded(service.rpc(&request)).await.expect("it answers");
            assert_eq!(answer.parse::<String>().expect("it is text"), text);
        }
        client.shutdown().await;
        server.shutdown().await;
    }
}

/// Full of bytes long before it is full of messages.
async fn a_slow_reader_of_few_bytes_loses_nothing(places: Places) {
    let sides = [(); 2].map(|()| {
        let limits = Limits { channel_bytes: 2_000, ..Limits::default() };
        let options = AmqpOptions { limits, prefetch: 8, ..AmqpOptions::default() };
        AmqpTransport::new(places.of_service(Service::RabbitMq), options).expect("a sound URL")
    });
    let [server, client] = sides;
    let sides = Sides::new(server, client).speaking(Codecs::default());
    guarded(newton::testkit::muon::channel::a_slow_reader_loses_nothing(&sides)).await;
}
