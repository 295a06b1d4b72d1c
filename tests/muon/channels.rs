//! Channel ends and what wraps them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use newton::ErrorKind;
use newton::muon::channel::{Traffic, Way, deflate, keep_alive, pair, pair_within, timeout, wiretap};
use newton::muon::{ContentType, Limits, Message, Timings};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{guarded, short, until};

fn message(step: &'static str) -> Message {
    Message::new("test", step, "{}")
}

#[tokio::test]
async fn a_full_channel_makes_its_sender_wait() {
    let (client, mut server) = pair(2);
    assert_eq!(client.sender().try_send(message("one")).unwrap(), None);
    assert_eq!(client.sender().try_send(message("two")).unwrap(), None);
    assert_eq!(client.sender().try_send(message("three")).unwrap().unwrap().step, "three");
    let waiting = tokio::spawn(async move {
        client.send(message("three")).await.unwrap();
        client
    });
    assert_eq!(server.recv().await.unwrap().unwrap().step, "one");
    let client = guarded(waiting).await.unwrap();
    assert_eq!(server.recv_many(&mut Vec::new(), 10).await.unwrap(), 2);
    assert_eq!(client.sender().traffic(), Traffic { sent: 3, arrived: 0, unread: 0 });
}

/// Bounded in bytes as well; the longest message passes all the same.
#[tokio::test]
async fn a_channel_full_of_bytes_makes_its_sender_wait() {
    let (client, mut server) = pair_within(&Limits { channel_bytes: 1000, ..Limits::default() });
    let long = |step: &'static str| Message::new("test", step, vec![0; 5000]);
    client.send(long("one")).await.unwrap();
    assert_eq!(client.sender().try_send(message("two")).unwrap().unwrap().step, "two");
    let waiting = tokio::spawn(async move {
        client.send(long("two")).await.unwrap();
        client.send(message("three")).await.unwrap();
        client
    });
    for step in ["one", "two", "three"] {
        assert_eq!(guarded(server.recv()).await.unwrap().unwrap().step, step);
    }
    guarded(waiting).await.unwrap();
}

proptest! {
    /// Whatever is sent and read: what waits is within the limits but for one message, and what waits is read in order.
    #[test]
    fn a_channel_stays_within_its_limits(steps in vec(option::of(0..3000_usize), 1..200)) {
        let limits = Limits { channel_capacity: 5, channel_bytes: 4000, ..Limits::default() };
        let (client, mut server) = pair_within(&limits);
        let mut waiting = VecDeque::new();
        for step in steps {
            let Some(length) = step else {
                let read = server.recv().now_or_never().map(|read| read.unwrap().unwrap().payload.len());
                prop_assert_eq!(read, waiting.pop_front());
                continue;
            };
            let is_taken = client.sender().try_send(Message::new("test", "step", vec![0; length])).unwrap().is_none();
            let bytes: usize = waiting.iter().sum();
            prop_assert!(is_taken || waiting.len() == 5 || bytes + waiting.len() * 1000 >= 4000, "there is room");
            prop_assert!(!is_taken || waiting.len() < 5 && bytes < 4000, "there is none");
            if is_taken {
                waiting.push_back(length);
            }
        }
    }
}

#[tokio::test]
async fn a_waiting_sender_hears_of_the_end() {
    let (client, server) = pair(1);
    client.send(message("one")).await.unwrap();
    let waiting = tokio::spawn(async move { client.send(message("two")).await });
    drop(server);
    guarded(waiting).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn many_senders_share_a_channel() {
    let (client, mut server) = pair(3);
    let (sender, _receiver) = client.split();
    for task in 0..8_u8 {
        let sender = sender.clone();
        let numbered = move |n| Message::new("test", "number", vec![task, n]);
        tokio::spawn(async move {
            if task.is_multiple_of(2) {
                sender.send_many((0..100).map(numbered).collect()).await.unwrap();
            } else {
                for n in 0..100 {
                    sender.send(numbered(n)).await.unwrap();
                }
            }
        });
    }
    let (mut next, mut messages) = ([0; 8], Vec::new());
    for limit in (1..=3).cycle() {
        guarded(server.recv_many(&mut messages, limit)).await.unwrap();
        for message in messages.drain(..) {
            let [task, n] = message.payload[..] else { panic!("two bytes") };
            assert_eq!(next[usize::from(task)], n, "a sender's messages stay in order");
            next[usize::from(task)] += 1;
        }
        if next == [100; 8] {
            break;
        }
    }
}

#[tokio::test]
async fn a_timeout_fails_both_sides() {
    let (client, mut server) = pair(2);
    let mut client = timeout(client, Duration::from_millis(20));
    let error = guarded(client.recv()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unavailable);
    guarded(server.recv()).await.unwrap_err();
}

#[tokio::test]
async fn what_arrives_in_time_is_read() {
    let (client, server) = pair(2);
    let mut client = timeout(client, Duration::from_mins(10));
    server.send(message("here")).await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap().step, "here");
}

#[tokio::test]
async fn an_idle_end_sends_keep_alives_which_the_peer_does_not_see() {
    let timings = Timings { silence: Duration::from_mins(1), ..short() };
    let (client, mut raw) = pair(8);
    let client = keep_alive(client, &timings);
    for _ in 0..3 {
        let message = guarded(raw.recv()).await.unwrap().unwrap();
        assert_eq!((&*message.protocol, &*message.step), ("muon", "keep-alive"));
    }
    let mut other = keep_alive(raw, &timings);
    client.send(message("hello")).await.unwrap();
    assert_eq!(guarded(other.recv()).await.unwrap().unwrap().step, "hello");
}

#[tokio::test]
async fn a_silent_peer_fails_the_channel() {
    let (client, _raw) = pair(8);
    let mut client = keep_alive(client, &short());
    let error = guarded(client.recv()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unavailable);
    client.send(message("hello")).await.unwrap_err();
}

#[tokio::test]
async fn unread_messages_are_no_silence() {
    let (client, raw) = pair(1);
    let mut client = keep_alive(client, &short());
    raw.send(message("hello")).await.unwrap();
    // The peer has no room for keep-alives, and is dropped long after it would count as silent.
    let mut raw = raw;
    for _ in 0..20 {
        guarded(raw.recv()).await.unwrap();
    }
    assert_eq!(guarded(client.recv()).await.unwrap().unwrap().step, "hello");
}

#[tokio::test]
async fn keep_alive_does_not_hold_a_channel() {
    let (client, mut raw) = pair(8);
    drop(keep_alive(client, &Timings::default()));
    guarded(raw.recv()).await.unwrap_err();
}

#[tokio::test]
async fn a_wiretap_sees_both_ways_and_changes_nothing() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (client, server) = pair(2);
    let tap = seen.clone();
    let mut client =
        wiretap(client, move |way, message| tap.lock().unwrap().push((way, message.step.to_string())));
    client.send(message("question")).await.unwrap();
    server.send(message("answer")).await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap().step, "answer");
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, [(Way::Out, "question".to_owned()), (Way::In, "answer".to_owned())]);
}

#[tokio::test]
async fn deflate_travels_compressed_and_arrives_as_it_was() {
    let (client, mut raw) = pair(4);
    let mut client = deflate(client, &Limits::default());
    let long = Message::new("test", "long", format!("{:?}", vec![7; 10_000]));
    client.send(long.clone()).await.unwrap();
    let travelling = raw.recv().await.unwrap().unwrap();
    assert_eq!(travelling.content_type, ContentType::JsonDeflate);
    assert!(travelling.payload.len() * 10 < long.payload.len());
    raw.send(travelling).await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap(), long);
    raw.send(message("plain")).await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap().step, "plain", "what is not compressed is taken too");
}

#[tokio::test]
async fn combinators_can_be_put_around_each_other() {
    let (client, server) = pair(4);
    let limits = Limits::default();
    let client = wiretap(deflate(keep_alive(client, &Timings::default()), &limits), |_, _| {});
    let mut server =
        timeout(deflate(keep_alive(server, &Timings::default()), &limits), Duration::from_mins(1));
    let sent = Message::new("test", "long", "1".repeat(2000));
    client.send(sent.clone()).await.unwrap();
    assert_eq!(guarded(server.recv()).await.unwrap().unwrap(), sent);
    client.close();
    assert_eq!(guarded(server.recv()).await.unwrap(), None);
    until(|| client.sender().try_send(message("late")).is_err()).await;
}
