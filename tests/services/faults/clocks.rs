//! Clocks that jump, and times that peers claim: they decide nothing about channels, leases and the order of events.

use chrono::TimeDelta;
use newton::Newton;
use newton::domain::Clock;
use newton::muon::codec::json;
use newton::muon::protocol::event::{self, Emit, Part, Processed, Replayed, replay};
use newton::muon::{Message, Muon, RemoteService};
use newton::server::StoreService;
use newton::store::{Append, EventStore, Expect, MemoryStore, StateKey, StateWrite, Stores};
use newton::testkit::VirtualClock;
use newton_tests::bank::Account;

use super::given::{DOMAIN, append, client_of, named, open};
use crate::amqp::{guarded, transport};
use crate::hand::Hand;
use crate::rabbitmq::connect;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "faults": [
        clocks_that_jump_decide_nothing,
        times_that_peers_claim_decide_nothing,
    ])
}

/// By how many hours a clock jumps, again and again.
const JUMPS: [i64; 6] = [5, -10, 24 * 366 * 50, -24 * 366 * 100, 1, -3];
/// Events between two jumps.
const BETWEEN: u64 = 50;

/// A store in memory whose service goes by this clock, and a client of it.
async fn served(places: &Places, clock: &VirtualClock) -> (Muon, Muon) {
    let service = StoreService::new(Stores::of(MemoryStore::new())).clock(clock.clone());
    let server = service.publish(named().transport(transport(places))).start().await.expect("it starts");
    let client = client_of(transport(places), server.descriptor().clone()).await;
    (server, client)
}

async fn clocks_that_jump_decide_nothing(places: Places) {
    let clock = VirtualClock::new();
    let (server, client) = served(&places, &clock).await;
    let name = &server.descriptor().identifier;
    let (remote, service) = (open(&client, name).await, client.service(name).await.expect("it is known"));
    let mut replayed = service.subscribe(&replay(DOMAIN, Part::HotCold, 0), 10).await.expect("it begins");
    let builder = Newton::builder().stores(Stores::of(remote.clone())).only::<Account>();
    let app = builder.clock(clock.clone()).start().await.expect("it starts");
    let lease = app.lease("kept").await.expect("nobody else has it");

    let mut told = Vec::new();
    for (round, jump) in JUMPS.into_iter().enumerate() {
        for number in 0..BETWEEN {
            let (order_id, time) = emitted(&service, number).await;
            told.push((order_id, Some(time)));
            let add = Append { time: clock.now(), ..append(1, number) };
            told.push((remote.append(add).await.expect("it is stored").order_id.0, None));
        }
        clock.set(clock.now() + TimeDelta::hours(jump));
        let write = StateWrite {
            key: StateKey::new("test", round.to_string()),
            expect: Expect::Absent,
            value: Some("1".into()),
        };
        lease.write(vec![write]).await.expect("it is held still");
    }
    let mut latest = i64::MIN;
    for (order_id, time) in told {
        let item = guarded(replayed.next()).await.expect("no error").expect("an event");
        let event: Replayed = serde_json::from_slice(&item).expect("an event");
        assert_eq!((event.order_id, event.event_time), (order_id, time.unwrap_or(event.event_time)));
        assert!(event.event_time >= latest, "recorded time never falls");
        latest = event.event_time;
    }
    app.shutdown(crate::amqp::GUARD).await;
    drop((lease, app, replayed, remote, service));
    client.shutdown().await;
    server.shutdown().await;
}

/// Where and when it was stored, as the service says.
async fn emitted(service: &RemoteService, number: u64) -> (u64, i64) {
    let emit = Emit::new(format!("{DOMAIN}/0"), "Counted", number.to_string()).expect("JSON");
    let channel = service.channel(event::PROTOCOL).await.expect("it opens");
    match event::emit(channel, &emit, service.timings().rpc).await {
        Ok(Processed::Persisted { order_id, event_time }) => (order_id, event_time),
        refused => panic!("{refused:?}"),
    }
}

/// One that is no time at all ends its channel, as any other malformed message does.
async fn times_that_peers_claim_decide_nothing(places: Places) {
    let (server, client) = served(&places, &VirtualClock::new()).await;
    let connection = connect(&places).await;
    for (created, step) in [
        ("0", "introspectResponse"),
        ("18446744073709551615", "introspectResponse"),
        ("-1", "ChannelFailure"),
        ("1e400", "ChannelFailure"),
    ] {
        let mut hand = Hand::open(&connection, &server.descriptor().identifier, "introspect").await;
        let message = Message::new("introspect", "introspectionRequested", "{}").from_service("hand");
        let text = String::from_utf8(json::encode(&message)).expect("text");
        let claimed =
            text.replace(&format!("\"created\":{}", message.created), &format!("\"created\":{created}"));
        assert_ne!(claimed, text);
        hand.send(claimed.as_bytes()).await;
        assert_eq!(hand.last().await.step, step, "{created}");
    }
    client.shutdown().await;
    server.shutdown().await;
}
