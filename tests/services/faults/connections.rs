//! Connections that are cut or silent: nothing is lost, nothing comes twice, and all goes on.

use std::time::Duration;

use newton::muon::protocol::event::{Part, replay};
use newton::muon::protocol::rpc;
use newton::store::EventStore;
use newton::subscription::Subscribe;
use newton::{ErrorKind, OrderId};
use newton_tests::random::{Random, seed};

use super::given::{
    EVENTS, Given, all, assert_all, assert_each_once, follow_all, opened, page_through, replay_all, until,
    write_all,
};
use super::{Proxy, impatient};
use crate::amqp::guarded;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "faults": [
        writers_and_subscriptions_go_on_over_cut_connections,
        replays_go_on_over_cut_connections,
        a_silent_peer_fails_its_channels,
    ])
}

/// How often a connection is cut.
const CUTS: u64 = 7;

async fn writers_and_subscriptions_go_on_over_cut_connections(places: Places) {
    let proxy = Proxy::before(places.of_service(Service::RabbitMq));
    let given = Given::behind(&proxy).await;
    let (remote, service) = (given.remote().await, given.service().await);
    let mut random = Random::new(seed());
    let cutting = async {
        let mut head = given.stores.events.head().await.expect("a head");
        for part in 0..CUTS {
            let beyond = (EVENTS / CUTS) * part + random.below(EVENTS / CUTS);
            head.beyond(OrderId(beyond)).await.expect("a head");
            assert!(proxy.cut(), "what was cut is connected again");
        }
    };
    let writing = write_all(&remote, &service);
    let following = follow_all(opened(&remote, Subscribe::hot_cold(all())).await);
    let (acknowledged, (), followed) = guarded(async { tokio::join!(writing, cutting, following) }).await;
    assert_each_once(&*given.stores.events, &acknowledged).await;
    assert_all(&followed, &acknowledged);
    drop((remote, service));
    given.end().await;
}

async fn replays_go_on_over_cut_connections(places: Places) {
    let proxy = Proxy::before(places.of_service(Service::RabbitMq));
    let given = Given::behind(&proxy).await;
    let added = [given.add(EVENTS).await];
    let (remote, service) = (given.remote().await, given.service().await);
    let cut = |taken: usize| {
        if taken % 4_000 == 500 {
            proxy.cut();
        }
    };
    assert_all(&page_through(&remote, cut).await, &added);
    let (replayed, broken) = replay_all(&service, cut).await;
    assert_all(&replayed, &added);
    assert!(broken > 0);
    drop((remote, service));
    given.end().await;
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
    until(|| given.server.served_channels() == 0).await;
    // Once it speaks again, so does everything.
    proxy.silence(false);
    guarded(async {
        while service.rpc(&rpc::Request::new(&given.name, "/stats")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    drop((hot, service));
    given.end().await;
}
