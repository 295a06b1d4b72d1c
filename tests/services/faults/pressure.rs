//! Peers that take more than they give: slow ones, and such as never close what they open. Memory stays flat, and nobody else waits.

use std::collections::{HashMap, HashSet};
use std::process::Stdio;

use futures_util::StreamExt;
use newton::domain::{Clock, NewEvent, SystemClock};
use newton::muon::channel::deflate;
use newton::muon::codec::json;
use newton::muon::protocol::event::{Emit, Part, Replayed, replay};
use newton::muon::{Address, ChannelEnd, Limits, Message, Transport};
use newton::store::{Append, EventStore};
use newton::subscription::Subscribe;
use newton::{ExpectedVersion, Payload, StreamName};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::given::{
    DOMAIN, EVENTS, all, assert_all, client_of, described, follow_all, opened, remote_of, write_all,
};
use super::impatient;
use crate::amqp::{guarded, transport};
use crate::command_line::{Running, Server};
use crate::interop::alone;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "faults": [
        a_slow_consumer_slows_nobody,
        a_reader_that_rests_is_held_little_for,
        what_a_peer_never_closes_costs_nothing,
    ])
}

/// By how much the memory of a process may grow that should not grow at all, in KiB.
const NOISE: u64 = 8 * 1024;

async fn a_slow_consumer_slows_nobody(places: Places) {
    let _alone = alone().await;
    let server = Server::start(&places, &[]);
    // It takes a peer for gone after a second: not one that is slow.
    let client = impatient(places.of_service(Service::RabbitMq));
    let client = client_of(client, described(&server, &places)).await;
    let (remote, service) = remote_of(&client, &server).await;
    let stream = replay(DOMAIN, Part::HotCold, 0);
    let mut slow_stream = service.subscribe(&stream, 10).await.expect("it begins");
    let mut slow = opened(&remote, Subscribe::hot_cold(all())).await;

    // The writers and another reader are done before either has taken anything.
    let following = follow_all(opened(&remote, Subscribe::hot_cold(all())).await);
    let (acknowledged, followed) =
        guarded(async { tokio::join!(write_all(&remote, &service), following) }).await;
    assert_all(&followed, &acknowledged);

    let (mut streamed, mut read) = (Vec::new(), Vec::new());
    while (streamed.len() as u64) < EVENTS {
        let item = guarded(slow_stream.next()).await.expect("no error").expect("an event");
        streamed.push(serde_json::from_slice::<Replayed>(&item).expect("an event").order_id);
    }
    while (read.len() as u64) < EVENTS {
        read.push(guarded(slow.next()).await.expect("it goes on").expect("an event").order_id.0);
    }
    assert_all(&streamed, &acknowledged);
    assert_all(&read, &acknowledged);
    drop((slow, slow_stream, remote, service));
    client.shutdown().await;
}

/// Events of a log that nobody is to hold: 64 MiB of them.
const LARGE: usize = 1_024;

/// What a reader that takes nothing more may hold, in KiB: the 256 events that it has asked for, twice, and a process.
const HELD: u64 = 44 * 1024;

async fn a_reader_that_rests_is_held_little_for(places: Places) {
    const RESTING: u64 = 2;
    let _alone = alone().await;
    let server = Server::start(&places, &[]);
    let client = client_of(transport(&places), described(&server, &places)).await;
    let (remote, _) = remote_of(&client, &server).await;
    for _ in 0..LARGE / 16 {
        guarded(remote.append(large(16))).await.expect("it is stored");
    }
    client.shutdown().await;

    let replay = || {
        let mut replay = server.command(&["replay", "faults/Stream", "--json"]);
        Running(replay.stdout(Stdio::piped()).spawn().expect("a process"))
    };
    let before = server.process.memory();
    let mut resting: Vec<_> = (0..RESTING).map(|_| replay()).collect();
    let mut unread: Vec<_> = resting.iter_mut().map(Running::lines).collect();
    for lines in &mut unread {
        lines.next().expect("a line").expect("UTF-8");
    }
    // By the time that one who does not rest has read everything, they have been sent what they will be.
    assert_eq!(replay().lines().count(), LARGE);
    for reader in &resting {
        assert!(reader.memory() < HELD, "a reader holds {} KiB", reader.memory());
    }
    let after = server.process.memory();
    assert!(after < before + HELD, "from {before} to {after} KiB");
}

/// Events of 64 KiB for one stream.
fn large(events: usize) -> Append {
    let stream = StreamName::parse(format!("{DOMAIN}/large")).expect("a name");
    let event = || NewEvent::new("Told", Payload::of(&"x".repeat(64 * 1024)).expect("JSON"));
    let events = (0..events).map(|_| event()).collect();
    Append::to(stream, ExpectedVersion::Any, events, SystemClock.now())
}

/// `NEWTON_EMITS` says how many events it is to be, where that is not as many as there is time for in every run.
async fn what_a_peer_never_closes_costs_nothing(places: Places) {
    let _alone = alone().await;
    let events = std::env::var("NEWTON_EMITS").map_or(20_000, |count| count.parse().expect("a number"));
    let server = Server::start(&places, &[]);
    let transport = transport(&places);
    let address =
        Address::new(places.of_service(Service::RabbitMq), &server.name, "shared-channel", "careless");
    let channel = transport.open(&address).await.expect("it opens");
    let mut careless =
        Careless { channel: deflate(channel, &Limits::default()), server: server.name.clone() };
    careless.emit(events / 4).await;
    let before = server.process.memory();
    careless.emit(events - events / 4).await;
    let after = server.process.memory();
    assert!(after < before + NOISE, "from {before} to {after} KiB");

    replayed_in_as_little(&server, events);
    println!("{events} emits: the service held {before} KiB after a quarter of them, {after} KiB after all");
    transport.close().await;
}

/// Whoever replays all of them by the command line holds no more at the end than after a quarter.
fn replayed_in_as_little(server: &Server, events: usize) {
    let mut replay = server.command(&["replay", "careless", "--json"]);
    let mut replay = Running(replay.stdout(Stdio::piped()).spawn().expect("a process"));
    let mut lines = replay.lines();
    let mut take = |count| {
        for _ in 0..count {
            lines.next().expect("a line").expect("UTF-8");
        }
    };
    take(events / 4);
    let before = replay.memory();
    // The last one is left where it is, so that the process is still there.
    take(events - events / 4 - 1);
    let after = replay.memory();
    take(1);
    assert!(lines.next().is_none(), "more than was emitted");
    assert!(after < before + NOISE, "from {before} to {after} KiB");
    println!(
        "{events} replayed: the command held {before} KiB after a quarter of them, {after} KiB after all"
    );
}

/// A client that, as the published one, opens a virtual channel for each event it emits and never closes one.
struct Careless {
    channel: ChannelEnd,
    server: String,
}

impl Careless {
    /// Emits so many events, some of them at a time, and sees each answered.
    async fn emit(&mut self, events: usize) {
        let (mut open, mut sent) = (HashSet::new(), 0);
        while sent < events || !open.is_empty() {
            if sent < events && open.len() < 200 {
                let id = Uuid::new_v4();
                self.channel.send(self.emitted(id)).await.expect("it is sent");
                open.insert(format!("\"{id}\""));
                sent += 1;
                continue;
            }
            let answer = guarded(self.channel.recv()).await.expect("no error").expect("an answer");
            if answer.protocol == "shared-channel" {
                let frame: HashMap<String, Box<RawValue>> =
                    serde_json::from_slice(&answer.payload).expect("a frame");
                let inner = json::decode(frame["message"].get().as_bytes(), &Limits::default());
                let (id, inner) = (frame["channelId"].get(), inner.expect("a message"));
                let text = String::from_utf8_lossy(&inner.payload);
                assert!(text.contains("PERSISTED") && open.remove(id), "{inner:?} {text}");
            }
        }
    }

    fn emitted(&self, id: Uuid) -> Message {
        let event = Emit::new("careless", "Happened", r#"{"some":"payload"}"#).expect("JSON");
        let event = serde_json::to_vec(&event).expect("JSON");
        let inner =
            Message::new("event", "EventEmitted", event).from_service("careless").to_service(&*self.server);
        let inner = String::from_utf8(json::encode(&inner)).expect("text");
        let frame = format!(r#"{{"channelId":"{id}","message":{inner}}}"#);
        Message::new("shared-channel", "message", frame).from_service("careless")
    }
}
