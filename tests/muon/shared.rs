//! Many channels over one.

use futures_util::FutureExt;
use newton::muon::channel::shared::Shared;
use newton::muon::channel::{deflate, pair};
use newton::muon::codec::{Binary, Codec, Codecs};
use newton::muon::transport::{Accepted, Listener};
use newton::muon::{ChannelEnd, ContentType, Limits, Message};
use serde_json::json;
use uuid::Uuid;

use super::{guarded, until};

struct Given {
    client: Shared,
    server: Shared,
    listener: Listener,
}

fn given(limits: &Limits) -> Given {
    let (here, there) = pair(64);
    let (incoming, listener) = Listener::new();
    let codecs = Codecs::default();
    let client = Shared::new(deflate(here, limits), "shop", limits.clone(), Codecs::default(), None);
    let server = Shared::new(deflate(there, limits), "bank", limits.clone(), codecs, Some(incoming));
    Given { client, server, listener }
}

fn message(text: &str) -> Message {
    Message::new("test", "step", text.to_owned())
}

impl Given {
    async fn channel(&mut self) -> (ChannelEnd, ChannelEnd) {
        let client = self.client.open().unwrap();
        client.send(message("first")).await.unwrap();
        let mut accepted = guarded(self.listener.accept()).await.unwrap();
        assert_eq!((&*accepted.protocol, accepted.origin.as_deref()), ("test", Some("shop")));
        assert_eq!(accepted.channel.recv().await.unwrap().unwrap().payload, "first");
        (client, accepted.channel)
    }
}

#[tokio::test]
async fn virtual_channels_are_kept_apart() {
    let mut given = given(&Limits::default());
    let mut ends = Vec::new();
    for _ in 0..20 {
        ends.push(given.channel().await);
    }
    for (at, (client, server)) in ends.iter_mut().enumerate() {
        client.send(message(&at.to_string())).await.unwrap();
        server.send(message(&format!("{at} {}", "x".repeat(3000)))).await.unwrap();
    }
    for (at, (client, server)) in ends.iter_mut().enumerate() {
        assert_eq!(guarded(server.recv()).await.unwrap().unwrap().payload, at.to_string());
        assert!(
            guarded(client.recv()).await.unwrap().unwrap().payload.starts_with(format!("{at} ").as_bytes())
        );
    }
    assert_eq!((given.client.open_channels(), given.server.open_channels()), (20, 20));
}

#[tokio::test]
async fn either_side_frees_a_virtual_channel_at_both() {
    let mut given = given(&Limits::default());
    let (client, mut server) = given.channel().await;
    let (mut other_client, other_server) = given.channel().await;
    client.close();
    assert_eq!(guarded(server.recv()).await.unwrap(), None);
    other_server.send(message("last").closing()).await.unwrap();
    assert_eq!(guarded(other_client.recv()).await.unwrap().unwrap().payload, "last");
    assert_eq!(guarded(other_client.recv()).await.unwrap(), None);
    assert_eq!((given.client.open_channels(), given.server.open_channels()), (0, 0));
    given.channel().await;
}

#[tokio::test]
async fn a_failure_reaches_the_other_side_of_its_channel_alone() {
    let mut given = given(&Limits::default());
    let (failing, mut failed) = given.channel().await;
    let (client, mut server) = given.channel().await;
    drop(failing);
    guarded(failed.recv()).await.unwrap_err();
    failed.send(message("late")).await.unwrap_err();
    client.send(message("well")).await.unwrap();
    assert_eq!(guarded(server.recv()).await.unwrap().unwrap().payload, "well");
}

/// A client that never closes its channels, as the published one: the server's answer frees them.
#[tokio::test]
async fn a_terminal_message_leaves_nothing_behind() {
    let mut given = given(&Limits::default());
    for _ in 0..500 {
        let (mut client, server) = given.channel().await;
        server.send(message("done").closing()).await.unwrap();
        assert_eq!(guarded(client.recv()).await.unwrap().unwrap().payload, "done");
    }
    until(|| given.client.open_channels() == 0 && given.server.open_channels() == 0).await;
}

/// Split and dropped half by half, in either order.
#[tokio::test]
async fn halves_that_are_dropped_one_by_one_free_the_channel() {
    let mut given = given(&Limits::default());
    for receiver_first in [true, false] {
        let (client, mut server) = given.channel().await;
        let (sender, receiver) = client.split();
        if receiver_first {
            drop(receiver);
            drop(sender);
        } else {
            drop(sender);
            drop(receiver);
        }
        guarded(server.recv()).await.unwrap_err();
        drop(server);
        until(|| given.client.open_channels() == 0 && given.server.open_channels() == 0).await;
    }
}

#[tokio::test]
async fn a_reader_that_falls_behind_holds_up_nobody_else() {
    let limits = Limits { channel_capacity: 8, ..Limits::default() };
    let mut given = given(&limits);
    let (slow_client, mut slow_server) = given.channel().await;
    let (client, mut server) = given.channel().await;
    for _ in 0..9 {
        slow_client.send(message("much")).await.unwrap();
    }
    client.send(message("well")).await.unwrap();
    assert_eq!(guarded(server.recv()).await.unwrap().unwrap().payload, "well");
    for _ in 0..8 {
        assert!(guarded(slow_server.recv()).await.unwrap().is_some(), "what had room is not lost");
    }
    guarded(slow_server.recv()).await.unwrap_err();
    until(|| slow_client.sender().try_send(message("more")).is_err()).await;
}

#[tokio::test]
async fn a_reader_that_falls_behind_in_bytes_fails_too() {
    for limits in [
        Limits { channel_bytes: 10_000, ..Limits::default() },
        Limits { shared_bytes: 10_000, ..Limits::default() },
    ] {
        let mut given = given(&limits);
        let (slow_client, mut slow_server) = given.channel().await;
        let (client, mut server) = given.channel().await;
        let long = message(&"x".repeat(20_000));
        slow_client.send(long.clone()).await.unwrap();
        until(|| slow_server.sender().traffic().unread == 1).await;
        slow_client.send(message("more")).await.unwrap();
        until(|| slow_server.sender().try_send(message("probe")).is_err()).await;
        assert_eq!(
            guarded(slow_server.recv()).await.unwrap().unwrap().payload,
            long.payload,
            "the longest passes"
        );
        guarded(slow_server.recv()).await.unwrap_err();
        // What is read makes room for others.
        client.send(long.clone()).await.unwrap();
        assert_eq!(guarded(server.recv()).await.unwrap().unwrap().payload, long.payload);
        client.send(message("well")).await.unwrap();
        assert_eq!(guarded(server.recv()).await.unwrap().unwrap().payload, "well");
    }
}

/// What nobody reads any more counts no longer.
#[tokio::test]
async fn a_dropped_reader_gives_back_its_bytes() {
    let mut given = given(&Limits { shared_bytes: 10_000, ..Limits::default() });
    let (slow_client, slow_server) = given.channel().await;
    slow_client.send(message(&"x".repeat(20_000))).await.unwrap();
    until(|| slow_server.sender().traffic().unread == 1).await;
    drop(slow_server);
    given.channel().await;
}

#[tokio::test]
async fn the_end_of_the_shared_channel_ends_them_all() {
    for orderly in [true, false] {
        let mut given = given(&Limits::default());
        let (mut client, server) = given.channel().await;
        if orderly {
            given.server.close();
            assert_eq!(guarded(client.recv()).await.unwrap(), None);
        } else {
            drop((server, given.server));
            guarded(client.recv()).await.unwrap_err();
        }
        client.send(message("late")).await.unwrap_err();
        until(|| given.client.is_ended()).await;
        given.client.open().unwrap_err();
    }
}

/// A shared channel, and the bare other end of it.
fn raw() -> (Shared, ChannelEnd, Listener) {
    let (here, there) = pair(64);
    let (incoming, listener) = Listener::new();
    let limits = Limits { shared_channels: 100, ..Limits::default() };
    (Shared::new(there, "bank", limits, Codecs::default(), Some(incoming)), here, listener)
}

fn inner(step: &str, op: &str) -> serde_json::Value {
    json!({"id": Uuid::new_v4().to_string(), "created": 1, "origin_service": "raw", "protocol": "test", "step": step,
        "payload": [1], "channel_op": op})
}

fn frame(id: impl std::fmt::Display, inner: &serde_json::Value) -> Message {
    let payload = json!({"channelId": id.to_string(), "message": inner}).to_string();
    Message::new("shared-channel", "message", payload)
}

/// What the bare end is told about a virtual channel.
async fn told(raw: &mut ChannelEnd) -> (String, serde_json::Value) {
    let outer = guarded(raw.recv()).await.unwrap().unwrap();
    let mut frame: serde_json::Value = serde_json::from_slice(&outer.payload).unwrap();
    (frame["channelId"].as_str().unwrap().to_owned(), frame["message"].take())
}

#[tokio::test]
async fn the_id_of_an_ended_channel_cannot_be_used_again() {
    let (shared, mut raw, mut listener) = raw();
    let id = Uuid::new_v4();
    raw.send(frame(id, &inner("step", "normal"))).await.unwrap();
    let Accepted { channel, .. } = guarded(listener.accept()).await.unwrap();
    channel.close();
    assert_eq!(told(&mut raw).await.1["step"], "ChannelShutdown");
    // A late farewell is no mistake, and not answered; the mistake is.
    raw.send(frame(id, &inner("ChannelShutdown", "closed"))).await.unwrap();
    raw.send(frame(id, &inner("step", "normal"))).await.unwrap();
    let (channel, message) = told(&mut raw).await;
    assert_eq!(
        (channel, &message["step"], &message["channel_op"]),
        (id.to_string(), &"ChannelFailure".into(), &"closed".into())
    );
    assert_eq!(shared.open_channels(), 0);
    raw.send(frame(Uuid::new_v4(), &inner("step", "normal"))).await.unwrap();
    assert!(guarded(listener.accept()).await.is_some(), "others go on");
}

/// A channel that this side has ended while the peer was still speaking.
#[tokio::test]
async fn what_comes_late_is_ignored() {
    let (_shared, mut raw, mut listener) = raw();
    for repeated in [false, true] {
        let id = Uuid::new_v4();
        raw.send(frame(id, &inner("begin", "normal"))).await.unwrap();
        let mut server = guarded(listener.accept()).await.unwrap().channel;
        guarded(server.recv()).await.unwrap();
        if repeated {
            raw.send(frame(id, &inner("begin", "normal"))).await.unwrap();
            guarded(server.recv()).await.unwrap();
        }
        server.close();
        assert_eq!(told(&mut raw).await.1["step"], "ChannelShutdown");
        raw.send(frame(id, &inner("more", "normal"))).await.unwrap();
        raw.send(frame(id, &inner("more", "closed"))).await.unwrap();
        if repeated {
            raw.send(frame(id, &inner("begin", "normal"))).await.unwrap();
        }
        // The next that is told is of another channel.
        let other = Uuid::new_v4();
        raw.send(frame(other, &inner("begin", "normal"))).await.unwrap();
        guarded(listener.accept()).await.unwrap().channel.close();
        assert_eq!(told(&mut raw).await.0, other.to_string());
    }
}

#[tokio::test]
async fn nobody_speaks_after_his_own_end_nor_of_something_else() {
    let (_shared, mut raw, mut listener) = raw();
    let (of_peer, of_ours) = (Uuid::new_v4(), Uuid::new_v4());
    for id in [of_peer, of_ours] {
        raw.send(frame(id, &inner("begin", "normal"))).await.unwrap();
    }
    let ends = [guarded(listener.accept()).await.unwrap(), guarded(listener.accept()).await.unwrap()];
    raw.send(frame(of_peer, &inner("end", "closed"))).await.unwrap();
    until(|| ends[0].channel.sender().try_send(message("late")).is_err()).await;
    while !raw_is_quiet(&mut raw) {}
    ends[1].channel.close();
    assert_eq!(told(&mut raw).await.1["step"], "ChannelShutdown");
    let mut of_another_protocol = inner("more", "normal");
    of_another_protocol["protocol"] = "other".into();
    for (id, message) in [(of_peer, inner("more", "normal")), (of_ours, of_another_protocol)] {
        raw.send(frame(id, &message)).await.unwrap();
        let (channel, message) = told(&mut raw).await;
        assert_eq!((channel, &message["step"]), (id.to_string(), &"ChannelFailure".into()));
    }
}

/// Takes one of the messages that were sent to the bare end; whether there was none.
fn raw_is_quiet(raw: &mut ChannelEnd) -> bool {
    raw.recv().now_or_never().is_none()
}

#[tokio::test]
async fn a_bad_inner_message_fails_its_channel_alone() {
    let (_shared, mut raw, mut listener) = raw();
    let (bad, good) = (Uuid::new_v4(), Uuid::new_v4());
    for id in [bad, good] {
        raw.send(frame(id, &inner("step", "normal"))).await.unwrap();
    }
    let mut bad_end = guarded(listener.accept()).await.unwrap().channel;
    let mut good_end = guarded(listener.accept()).await.unwrap().channel;
    raw.send(frame(bad, &json!({"id": 7, "payload": [256]}))).await.unwrap();
    let (channel, message) = told(&mut raw).await;
    assert_eq!((channel, &message["step"]), (bad.to_string(), &"ChannelFailure".into()));
    assert!(guarded(bad_end.recv()).await.unwrap().is_some());
    guarded(bad_end.recv()).await.unwrap_err();
    raw.send(frame(good, &inner("more", "normal"))).await.unwrap();
    guarded(good_end.recv()).await.unwrap();
    assert_eq!(guarded(good_end.recv()).await.unwrap().unwrap().step, "more");
}

/// In the binary codec: 16 bytes of the channel's id, and the message.
fn binary_frame(id: Uuid, inner: &Message) -> Message {
    let mut payload = id.as_bytes().to_vec();
    Binary.encode_into(&mut payload, inner);
    let content_type = ContentType::Other(Binary.content_type().into());
    Message { content_type, ..Message::new("shared-channel", "message", payload) }
}

#[tokio::test]
async fn a_peer_is_answered_in_what_it_has_spoken() {
    let (_shared, mut raw, mut listener) = raw();
    let id = Uuid::new_v4();
    raw.send(frame(id, &inner("step", "normal"))).await.unwrap();
    let mut server = guarded(listener.accept()).await.unwrap().channel;
    server.send(message("text")).await.unwrap();
    assert_eq!(told(&mut raw).await.1["step"], "step", "JSON, until it shows that it understands more");
    raw.send(binary_frame(id, &message("bytes"))).await.unwrap();
    guarded(server.recv()).await.unwrap();
    assert_eq!(guarded(server.recv()).await.unwrap().unwrap().payload, "bytes");
    let answer = message("answer").from_service("bank");
    server.send(answer.clone()).await.unwrap();
    let told = guarded(raw.recv()).await.unwrap().unwrap();
    let wanted = binary_frame(id, &answer);
    assert_eq!((told.content_type, told.payload), (wanted.content_type, wanted.payload));
}

#[tokio::test]
async fn what_names_no_virtual_channel_fails_the_shared_one() {
    for payload in ["", "[]", "{}", r#"{"channelId": 1}"#, r#"{"channelId": "me", "message": {}}"#] {
        let (shared, mut raw, _listener) = raw();
        raw.send(Message::new("shared-channel", "message", payload)).await.unwrap();
        guarded(raw.recv()).await.unwrap_err();
        until(|| shared.is_ended()).await;
    }
}

#[tokio::test]
async fn steps_that_have_no_place_are_ignored() {
    let (_shared, raw, mut listener) = raw();
    raw.send(Message::new("shared-channel", "massage", "{}")).await.unwrap();
    raw.send(Message::new("rpc", "request.made", "{}")).await.unwrap();
    raw.send(Message::new("muon", "keep-alive", "{}")).await.unwrap();
    raw.send(frame(Uuid::new_v4(), &inner("step", "closed"))).await.unwrap();
    let mut only = guarded(listener.accept()).await.unwrap().channel;
    assert_eq!(guarded(only.recv()).await.unwrap().unwrap().step, "step", "one message, open and closed");
    assert_eq!(guarded(only.recv()).await.unwrap(), None);
}

#[tokio::test]
async fn a_thousand_half_open_channels_are_bounded() {
    let (shared, raw, mut listener) = raw();
    let first = Uuid::new_v4();
    raw.send(frame(first, &inner("step", "normal"))).await.unwrap();
    let mut open = guarded(listener.accept()).await.unwrap().channel;
    let (sender, mut answers) = raw.split();
    let refusals = tokio::spawn(async move {
        let mut refused = 0;
        while refused < 901 {
            refused += u32::from(answers.recv().await.unwrap().is_some());
        }
    });
    for _ in 0..1000 {
        sender.send(frame(Uuid::new_v4(), &inner("step", "normal"))).await.unwrap();
    }
    guarded(refusals).await.unwrap();
    assert_eq!(shared.open_channels(), 100);
    sender.send(frame(first, &inner("still", "normal"))).await.unwrap();
    guarded(open.recv()).await.unwrap();
    assert_eq!(guarded(open.recv()).await.unwrap().unwrap().step, "still");
}
