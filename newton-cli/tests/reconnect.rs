//! That a replay goes on where it was when its connection broke, and a stream begins anew where that is asked for.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use std::io;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use newton::muon::Muon;
use newton::muon::protocol::reactive_stream::{Item, Request, StreamServer};
use newton::muon::protocol::rpc::{Response, RpcServer};
use newton_cli::exit::{Exit, Outcome};
use serde_json::{Value, json};
use support::{Network, lines};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;

/// More than any test needs.
const PATIENCE: &str = "600";

/// A service with the path `/stream`: it tells what it was asked for, gives so many events from there on, and then nothing.
async fn service(network: &Network, head: u64, asked: &UnboundedSender<Value>) -> Muon {
    let stats = RpcServer::new()
        .path("/stats", "its head", move |_| async move { Ok(Response::json(&json!({ "order-id": head }))) });
    let asked = asked.clone();
    let events = StreamServer::new().stream("/stream", "events", move |request: Request| {
        let args = Value::Object(request.args);
        let from = args["from"].as_u64().filter(|from| *from > 0).unwrap_or(1);
        asked.send(args).unwrap();
        async move {
            let stored = (from..=head).map(|number| Ok(event(number)));
            Ok(stream::iter(stored).chain(stream::pending()))
        }
    });
    network.builder("events").tag("eventstore").serve(stats).serve(events).start().await.unwrap()
}

fn event(number: u64) -> Item {
    let event = json!({
        "id": number.to_string(), "event-type": "T", "stream-name": "s", "order-id": number, "event-time": 0, "payload": null,
    });
    event.to_string().into()
}

/// Hands on each piece that is written.
struct Says(UnboundedSender<String>);

impl io::Write for Says {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).map_err(io::Error::other)?;
        self.0.send(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn run(network: &Network, said: UnboundedSender<String>, arguments: &[&str]) -> Outcome {
    network.run(arguments, &mut Says(said), true, None, b"").await
}

/// The order ids of what is said, up to this one.
async fn until(hears: &mut UnboundedReceiver<String>, last: u64) -> Vec<u64> {
    let mut text = String::new();
    loop {
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let numbers: Vec<_> = lines(whole).iter().map(|event| event["order-id"].as_u64().unwrap()).collect();
        if numbers.last() == Some(&last) {
            return numbers;
        }
        text.push_str(&hears.recv().await.unwrap());
    }
}

#[tokio::test]
async fn a_replay_goes_on_after_the_last_event_written() {
    for part in ["--cold", "--hot-cold"] {
        let (network, (asked, mut asks), (said, mut hears)) =
            (Network::new(), unbounded_channel(), unbounded_channel());
        let first = service(&network, 3, &asked).await;
        let arguments = ["replay", "s", part, "--limit", "6", "--reconnect", PATIENCE];
        let replay = run(&network, said, &arguments);
        let breaks = async {
            assert_eq!(until(&mut hears, 3).await, [1, 2, 3]);
            first.shutdown().await;
            let second = service(&network, 5, &asked).await;
            assert_eq!(until(&mut hears, 5).await, [4, 5]);
            second.shutdown().await;
            let third = service(&network, 9, &asked).await;
            assert_eq!(until(&mut hears, 6).await, [6]);
            third
        };
        let (outcome, _third) = tokio::join!(replay, breaks);
        outcome.unwrap();
        for from in [0, 4, 6] {
            let args = asks.recv().await.unwrap();
            assert_eq!(args["from"].as_u64().unwrap_or(0), from, "{args}");
            assert_eq!(args["stream-type"], part.trim_start_matches('-'));
        }
    }
}

#[tokio::test]
async fn a_hot_replay_misses_nothing_that_was_added_during_a_break() {
    let (network, (asked, mut asks), (said, mut hears)) =
        (Network::new(), unbounded_channel(), unbounded_channel());
    let first = service(&network, 0, &asked).await;
    let arguments = ["replay", "s", "--hot", "--limit", "2", "--reconnect", PATIENCE];
    let replay = run(&network, said, &arguments);
    let breaks = async {
        assert_eq!(asks.recv().await.unwrap()["stream-type"], "hot");
        first.shutdown().await;
        let second = service(&network, 2, &asked).await;
        assert_eq!(until(&mut hears, 2).await, [1, 2]);
        second
    };
    let (outcome, _second) = tokio::join!(replay, breaks);
    outcome.unwrap();
    let again = asks.recv().await.unwrap();
    assert_eq!((&again["stream-type"], &again["from"]), (&json!("hot-cold"), &json!(1)));
}

#[tokio::test]
async fn without_patience_a_break_ends_a_replay_and_says_where_to_go_on() {
    let (network, (asked, _asks), (said, mut hears)) =
        (Network::new(), unbounded_channel(), unbounded_channel());
    let first = service(&network, 3, &asked).await;
    let arguments = ["replay", "s", "--reconnect", "0"];
    let replay = run(&network, said, &arguments);
    let breaks = async {
        assert_eq!(until(&mut hears, 3).await, [1, 2, 3]);
        first.shutdown().await;
    };
    let (outcome, ()) = tokio::join!(replay, breaks);
    let trouble = outcome.unwrap_err();
    assert_eq!(trouble.exit, Exit::Failed, "{}", trouble.message);
    assert!(trouble.message.ends_with("go on with --from 4"), "{}", trouble.message);
}

#[tokio::test]
async fn a_stream_begins_anew_where_that_is_asked_for() {
    for (patience, ends) in [("0", Some(Exit::Failed)), (PATIENCE, None)] {
        let (network, (asked, _asks), (said, mut hears)) =
            (Network::new(), unbounded_channel(), unbounded_channel());
        let first = service(&network, 2, &asked).await;
        let arguments = ["stream", "events", "/stream", "--limit", "4", "--reconnect", patience];
        let breaks = async {
            assert_eq!(until(&mut hears, 2).await, [1, 2]);
            first.shutdown().await;
            let second = service(&network, 2, &asked).await;
            if ends.is_none() {
                assert_eq!(until(&mut hears, 2).await, [1, 2]);
            }
            second
        };
        let (outcome, _second) = tokio::join!(run(&network, said, &arguments), breaks);
        assert_eq!(outcome.err().map(|trouble| trouble.exit), ends);
    }
}

/// As at a broker, whose services are remembered for some seconds after their end.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_away_is_waited_for_though_it_is_still_announced() {
    let (network, (asked, _asks), (said, mut hears)) =
        (Network::that_remembers("events"), unbounded_channel(), unbounded_channel());
    let first = service(&network, 3, &asked).await;
    let replay = run(&network, said, &["replay", "s", "--limit", "4", "--reconnect", PATIENCE]);
    let breaks = async {
        assert_eq!(until(&mut hears, 3).await, [1, 2, 3]);
        first.shutdown().await;
        // The clock of the test: it goes on when everything waits, so after attempts that find nobody.
        sleep(Duration::from_mins(1)).await;
        service(&network, 4, &asked).await
    };
    let (outcome, _second) = tokio::join!(replay, breaks);
    outcome.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_away_is_a_failure() {
    let (network, (asked, _asks), (said, mut hears)) =
        (Network::new(), unbounded_channel(), unbounded_channel());
    let first = service(&network, 3, &asked).await;
    let replay = run(&network, said, &["replay", "s", "--limit", "4", "--reconnect", PATIENCE]);
    let breaks = async {
        assert_eq!(until(&mut hears, 3).await, [1, 2, 3]);
        first.shutdown().await;
    };
    let (outcome, ()) = tokio::join!(replay, breaks);
    assert_eq!(outcome.unwrap_err().exit, Exit::Failed);
}
