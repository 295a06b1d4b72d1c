//! The broker stopped, and the service killed, in the middle of everything: what was acknowledged is there once, and all goes on.

use newton::OrderId;
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use newton::muon::{Builder, Muon, Timings};
use newton::store::EventStore;
use newton::subscription::Subscribe;
use tokio::task::block_in_place;

use super::OwnBroker;
use super::given::{
    Given, all, assert_all, assert_each_once, client_of, described, follow_all, named, opened, page_through,
    remote_of, replay_all, write_all,
};
use crate::amqp::{GUARD, discovery_at, guarded, transport};
use crate::command_line::Server;
use crate::interop::alone;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    let mut list = trials!([Service::RabbitMqServer], "faults": [a_broker_that_ends_takes_nothing_with_it]);
    list.extend(trials!([Service::RabbitMq], "faults": [a_service_that_is_killed_goes_on_from_its_file]));
    list
}

async fn a_broker_that_ends_takes_nothing_with_it(_: Places) {
    let broker = OwnBroker::start();
    let service = builder_at(&broker, named());
    let client = builder_at(&broker, Muon::builder("client"));
    let given = Given::start(service, async |_| client.start().await.expect("the client starts")).await;
    let acknowledged = written_over_a_restart(&broker, &given).await;
    replayed_over_a_kill(&broker, &given, &acknowledged).await;

    let guest = builder_at(&broker, Muon::builder("guest")).start().await.expect("it starts");
    guest.service(&given.name).await.expect("it is found again");
    guest.shutdown().await;
    drop(guest);
    given.end().await;
    assert_eq!(broker.queues(), Vec::<String>::new(), "all is given back");
}

/// Reaches that broker, and waits for others for as long as it takes.
fn builder_at(broker: &OwnBroker, builder: Builder) -> Builder {
    let transport = AmqpTransport::new(broker.url(), AmqpOptions::default()).expect("a sound URL");
    let timings = Timings { discovery: GUARD, ..Timings::default() };
    builder.timings(timings).transport(transport).discovery(discovery_at(broker.url()))
}

async fn written_over_a_restart(broker: &OwnBroker, given: &Given) -> Vec<Vec<OrderId>> {
    let (remote, service) = (given.remote().await, given.service().await);
    let ending = async {
        let mut head = given.stores.events.head().await.expect("a head");
        head.beyond(OrderId(3_000)).await.expect("a head");
        broker.restart();
    };
    let writing = write_all(&remote, &service);
    let following = follow_all(opened(&remote, Subscribe::hot_cold(all())).await);
    let (acknowledged, followed, ()) = guarded(async { tokio::join!(writing, following, ending) }).await;
    assert_each_once(&*given.stores.events, &acknowledged).await;
    assert_all(&followed, &acknowledged);
    acknowledged
}

async fn replayed_over_a_kill(broker: &OwnBroker, given: &Given, acknowledged: &[Vec<OrderId>]) {
    let (remote, service) = (given.remote().await, given.service().await);
    let disturb = |taken| {
        if taken == 2_500 {
            broker.kill_and_start();
        }
    };
    let (paging, replaying) = (page_through(&remote, |_| {}), replay_all(&service, disturb));
    let (read, (replayed, breaks)) = guarded(async { tokio::join!(paging, replaying) }).await;
    assert_all(&read, acknowledged);
    assert_all(&replayed, acknowledged);
    assert!(breaks > 0, "the broker ended in the middle");
}

async fn a_service_that_is_killed_goes_on_from_its_file(places: Places) {
    let _alone = alone().await;
    let mut server = Server::start(&places, &[]);
    let client = client_of(transport(&places), described(&server, &places)).await;
    let (remote, service) = remote_of(&client, &server).await;
    let killing = async {
        let mut head = remote.head().await.expect("a head");
        for beyond in [2_000, 6_000] {
            head.beyond(OrderId(beyond)).await.expect("a head");
            assert_eq!(server.process.end_by("KILL"), None);
            server = block_in_place(|| server.again(&[]));
        }
        server
    };
    let writing = write_all(&remote, &service);
    let following = follow_all(opened(&remote, Subscribe::hot(all())).await);
    let (followed, acknowledged, server) = guarded(async { tokio::join!(following, writing, killing) }).await;
    assert_each_once(&remote, &acknowledged).await;
    assert_all(&followed, &acknowledged);
    drop((remote, service));
    client.shutdown().await;
    drop(server);
}
