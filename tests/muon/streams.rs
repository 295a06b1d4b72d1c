//! reactive-stream: credit both ways, the ways it ends, and who breaks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, stream};
use newton::muon::protocol::reactive_stream::{Item, Request, StreamServer, subscribe};
use newton::muon::{ChannelEnd, Message, Muon, channel};
use newton::{Error, ErrorKind, Result};
use serde_json::json;

use super::{Town, guarded, short, until};

fn item(n: u64) -> Item {
    n.to_string().into()
}

/// Counts what is taken from it.
fn numbers(taken: &Arc<AtomicU64>) -> StreamServer {
    let taken = taken.clone();
    StreamServer::new()
        .stream("/numbers", "as many as wanted", move |request: Request| {
            let taken = taken.clone();
            async move {
                let Some(count) = request.arg("count").and_then(|text| text.parse::<u64>().ok()) else {
                    return Err(Error::new(ErrorKind::InvalidInput, "subscribe", "say how many in `count`"));
                };
                Ok(stream::iter(0..count).map(move |n| {
                    taken.fetch_add(1, Ordering::Relaxed);
                    Ok(item(n))
                }))
            }
        })
        .stream("/fails", "fails at the third", async |_| {
            let broken = Err(Error::new(ErrorKind::Corrupt, "read", "the tape is torn"));
            Ok(stream::iter([Ok(item(1)), Ok(item(2)), broken]))
        })
        .stream("/silent", "never has anything", async |_| Ok(stream::pending()))
}

async fn served(town: &Town) -> (Muon, Muon, Arc<AtomicU64>) {
    let taken = Arc::default();
    let server = town.builder("numbers").serve(numbers(&taken)).start().await.unwrap();
    let client = town.builder("reader").timings(short()).start().await.unwrap();
    (server, client, taken)
}

fn count(count: u64) -> Request {
    Request::new("/numbers").with("count", count)
}

#[tokio::test]
async fn every_item_arrives_in_order_and_then_the_end() {
    for town in Town::both() {
        let (server, client, _) = served(&town).await;
        let service = client.service("numbers").await.unwrap();
        for window in [0, 1, 2, 7, 10_000] {
            let mut subscription = service.subscribe(&count(500), window).await.unwrap();
            for n in 0..500 {
                assert_eq!(guarded(subscription.next()).await.unwrap().unwrap(), n.to_string());
            }
            assert_eq!(guarded(subscription.next()).await.unwrap(), None);
            assert_eq!(guarded(subscription.next()).await.unwrap(), None);
        }
        let mut all = Vec::new();
        let mut subscription = service.subscribe(&count(500), 64).await.unwrap();
        while guarded(subscription.next_many(&mut all, 50)).await.unwrap() > 0 {}
        assert!(all.iter().map(|item| std::str::from_utf8(item).unwrap().parse::<u64>().unwrap()).eq(0..500));
        until(|| server.served_channels() == 0).await;
    }
}

#[tokio::test]
async fn a_stream_that_fails_gives_what_was_before() {
    for town in Town::both() {
        let (_server, client, _) = served(&town).await;
        let mut subscription =
            client.service("numbers").await.unwrap().subscribe(&Request::new("/fails"), 10).await.unwrap();
        let mut items = Vec::new();
        assert_eq!(guarded(subscription.next()).await.unwrap().unwrap(), "1");
        while items.is_empty() {
            guarded(subscription.next_many(&mut items, 10)).await.unwrap();
        }
        assert_eq!(items, ["2"]);
        let error = guarded(subscription.next()).await.unwrap_err();
        assert!(error.to_string().contains("the tape is torn"), "{error}");
        assert_eq!(subscription.next().await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_refused_says_why() {
    for town in Town::both() {
        let (_server, client, _) = served(&town).await;
        let service = client.service("numbers").await.unwrap();
        for (request, text) in
            [(Request::new("/nothing"), "no such stream"), (Request::new("/numbers"), "`count`")]
        {
            let error = guarded(service.subscribe(&request, 10)).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::NotFound);
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}

#[tokio::test]
async fn cancelling_ends_the_server_side() {
    for town in Town::both() {
        let (server, client, _) = served(&town).await;
        let service = client.service("numbers").await.unwrap();
        let silent = service.subscribe(&Request::new("/silent"), 10).await.unwrap();
        let mut endless = service.subscribe(&count(u64::MAX), 10).await.unwrap();
        guarded(endless.next()).await.unwrap();
        until(|| server.served_channels() == 2).await;
        silent.cancel();
        drop(endless);
        until(|| server.served_channels() == 0).await;
    }
}

fn step(step: &'static str, payload: impl Into<bytes::Bytes>) -> Message {
    Message::new("reactive-stream", step, payload)
}

async fn raw_client(client: &Muon, request: &Request) -> ChannelEnd {
    let mut channel = client.channel_to("numbers", "reactive-stream").await.unwrap();
    channel.send(step("SubscriptionRequested", serde_json::to_vec(request).unwrap())).await.unwrap();
    assert_eq!(guarded(channel.recv()).await.unwrap().unwrap().step, "SubAck");
    channel
}

/// Without a further grant nothing more is sent; up to 64 items are taken ahead.
#[tokio::test]
async fn as_many_are_sent_as_were_granted() {
    for town in Town::both() {
        let (_server, client, taken) = served(&town).await;
        let mut channel = raw_client(&client, &count(100)).await;
        let mut next = 0;
        for granted in [10, 3] {
            channel.send(step("DataRequested", json!({"request": granted}).to_string())).await.unwrap();
            for _ in 0..granted {
                let data = guarded(channel.recv()).await.unwrap().unwrap();
                assert_eq!((&*data.step, &data.payload[..]), ("Data", next.to_string().as_bytes()));
                next += 1;
            }
            // The server answers what comes after the grant, so it has had its chance to send too much.
            assert!(
                tokio::time::timeout(std::time::Duration::from_millis(20), channel.recv()).await.is_err()
            );
            assert!(taken.load(Ordering::Relaxed) <= next + 64);
        }
        channel.send(step("Cancelled", "{}")).await.unwrap();
        assert_eq!(guarded(channel.recv()).await.unwrap(), None, "cancelled, which is no failure");
    }
}

#[tokio::test]
async fn a_subscriber_that_breaks_the_protocol_is_cut_off() {
    let town = Town::default();
    let (server, client, _) = served(&town).await;
    let broken = [
        step("DataRequested", r#"{"request": 0}"#),
        step("DataRequested", r#"{"request": -1}"#),
        step("DataRequested", r#"{"request": "ten"}"#),
        step("DataRequested", "ten"),
        step("Data", "1"),
        step("Nonsense", "{}"),
    ];
    for message in broken {
        let mut channel = raw_client(&client, &Request::new("/silent")).await;
        channel.send(message).await.unwrap();
        guarded(channel.recv()).await.expect_err("the channel fails");
    }
    let mut greedy = raw_client(&client, &count(3)).await;
    for _ in 0..3 {
        greedy.send(step("DataRequested", json!({"request": u64::MAX}).to_string())).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(guarded(greedy.recv()).await.unwrap().unwrap().step, "Data");
    }
    until(|| server.served_channels() == 0).await;
}

/// A server that is made up by `script`, and what a subscriber of 2 items at a time meets.
async fn against(script: Vec<Message>) -> Result<Vec<Item>> {
    let (client, mut server) = channel::pair(32);
    let serving = tokio::spawn(async move {
        server.recv().await.unwrap();
        for message in script {
            if server.send(message).await.is_err() {
                break;
            }
        }
        while let Ok(Some(_)) = server.recv().await {}
    });
    let subscribed = guarded(subscribe(client, &Request::new("/made-up"), 2, short().rpc)).await;
    let mut items = Vec::new();
    let mut subscription = subscribed?;
    let outcome = loop {
        match guarded(subscription.next()).await {
            Ok(Some(item)) => items.push(item),
            Ok(None) => break Ok(items),
            Err(error) => break Err(error),
        }
    };
    drop(subscription);
    guarded(serving).await.unwrap();
    outcome
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_is_an_error() {
    let data = || step("Data", "1");
    let good = against(vec![step("SubAck", "{}"), data(), data(), step("Completed", "{}")]).await.unwrap();
    assert_eq!(good.len(), 2);
    let beyond = against(
        vec![step("SubAck", "{}"); 1].into_iter().chain(std::iter::repeat_with(data).take(20)).collect(),
    );
    let error = beyond.await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("granted"), "{error}");
    for script in [
        vec![],
        vec![data()],
        vec![step("SubAck", "{}"), step("Nonsense", "{}")],
        vec![step("SubNack", "{}")],
    ] {
        against(script).await.unwrap_err();
    }
}

/// The end was sent before the subscriber came to grant more, which fails then.
#[tokio::test]
async fn an_end_that_is_already_there_is_read() {
    let (client, mut server) = channel::pair(32);
    let serving = tokio::spawn(async move {
        server.recv().await.unwrap();
        server.send(step("SubAck", "{}")).await.unwrap();
        assert_eq!(server.recv().await.unwrap().unwrap().step, "DataRequested");
        server.send(step("Data", "1")).await.unwrap();
        server
    });
    let mut subscription = guarded(subscribe(client, &Request::new("/one"), 1, short().rpc)).await.unwrap();
    assert_eq!(guarded(subscription.next()).await.unwrap().unwrap(), "1");
    guarded(serving).await.unwrap().send(step("Completed", "{}").closing()).await.unwrap();
    assert_eq!(guarded(subscription.next()).await.unwrap(), None);
}
