//! The peer's end of a shared channel.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::Connection;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, QueueDeleteOptions};
use lapin::types::ShortString;
use serde_json::{Value, json};
use tokio::time::{Interval, interval};
use uuid::Uuid;

use super::envelope::{Route, signed};
use super::{Form, Heard};
use crate::amqp::guarded;
use crate::hand::{Hand, header, publish};

/// From one message to a keep-alive.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// As many keep-alives take longer than Newton waits for a silent peer.
const LONG: u32 = 7;

const SHARED_CHANNEL: &str = "shared-channel";

pub(super) struct Peer {
    hand: Hand,
    route: Route,
    form: Form,
    /// What is written beside each message.
    headers: &'static [(&'static str, &'static str)],
    due: Interval,
    /// Keep-alives that were sent, and that came.
    sent: u32,
    heard: u32,
}

impl Peer {
    /// Opens a channel to an instance of a service.
    pub(super) async fn open(connection: &Connection, name: &str, to: (&str, &str), form: Form) -> Self {
        let queue = |name: &str| ShortString::from(format!("{name}-receive-{}", Uuid::new_v4()));
        let queues = (queue(to.0), queue(name));
        let hand = Hand::over(connection, to.0, SHARED_CHANNEL, queues).await;
        let headers = &[("content_type", "application/json"), ("protocol", SHARED_CHANNEL)];
        let route = Route { from: name.to_owned(), to: to.0.to_owned(), instance: to.1.to_owned() };
        Self::new(hand, route, form, headers)
    }

    /// Accepts the channel that a client of a service asks for.
    pub(super) async fn accept(
        connection: &Connection,
        name: &str,
        handshake: &Delivery,
        form: Form,
    ) -> Self {
        assert_eq!(header(handshake, "protocol"), SHARED_CHANNEL);
        let hand = Hand::accept(connection, handshake).await;
        let instance = Uuid::new_v4().to_string();
        let route = Route { from: name.to_owned(), to: "newton".to_owned(), instance };
        Self::new(hand, route, form, &[("content_type", "application/json")])
    }

    fn new(hand: Hand, route: Route, form: Form, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { hand, route, form, headers, due: interval(KEEP_ALIVE), sent: 0, heard: 0 }
    }

    pub(super) fn queues(&self) -> [ShortString; 2] {
        self.hand.queues()
    }

    /// Opens a virtual channel with a message. Gives back its id.
    pub(super) async fn begin(&mut self, protocol: &str, step: &str, payload: &Value) -> String {
        let channel = Uuid::new_v4().to_string();
        self.say(&channel, protocol, step, payload).await;
        channel
    }

    pub(super) async fn say(&mut self, channel: &str, protocol: &str, step: &str, payload: &Value) {
        let message = self.route.envelope(self.form, protocol, step, payload);
        self.send(channel, &message).await;
    }

    /// Answers a message on its channel.
    pub(super) async fn answer(&mut self, asked: &Heard, step: &str, status: &str, payload: &Value) {
        let mut message = self.route.envelope(self.form, asked.field("protocol"), step, payload);
        message["status"] = json!(status);
        message["provenance_id"] = json!(asked.field("id"));
        self.send(asked.channel.as_deref().expect("a virtual channel"), &message).await;
    }

    async fn send(&mut self, channel: &str, message: &Value) {
        let frame = json!({ "channelId": channel, "message": message, "unknown": 1 });
        self.publish(&self.route.envelope(self.form, SHARED_CHANNEL, "message", &frame)).await;
    }

    async fn publish(&mut self, envelope: &Value) {
        let body = envelope.to_string();
        publish(&self.hand.channel, &self.hand.outgoing, body.as_bytes(), self.headers).await;
        self.due.reset();
    }

    /// The next message on a virtual channel.
    pub(super) async fn next_on(&mut self, channel: &str) -> Heard {
        loop {
            let heard = self.next().await;
            assert!(heard.channel.is_some(), "{heard:?}");
            if heard.channel.as_deref() == Some(channel) {
                return heard;
            }
        }
    }

    /// The next message that is no keep-alive.
    pub(super) async fn next(&mut self) -> Heard {
        guarded(async {
            loop {
                if let Some(heard) = self.turn().await {
                    return heard;
                }
            }
        })
        .await
    }

    /// Waits until something comes, or a keep-alive is due. What comes is given back unless it is a keep-alive.
    async fn turn(&mut self) -> Option<Heard> {
        let delivery = tokio::select! {
            delivery = self.hand.incoming.next() => delivery.expect("a consumer that lasts"),
            _ = self.due.tick() => {
                let message = self.route.envelope(self.form, "muon", "keep-alive", &json!({}));
                self.publish(&message).await;
                self.sent += 1;
                return None;
            }
        };
        let delivery = delivery.expect("a delivery");
        delivery.acker.ack(BasicAckOptions::default()).await.expect("acknowledged");
        let heard = Heard::read(&delivery.data);
        if heard.is_keep_alive() {
            self.heard += 1;
            return None;
        }
        Some(heard)
    }

    /// Closes the channel, and deletes its queues if it is told to.
    pub(super) async fn close(mut self, is_deleting: bool) -> Hand {
        let mut farewell = self.route.envelope(self.form, "muon", "ChannelShutdown", &json!({}));
        farewell["channel_op"] = json!("closed");
        self.publish(&farewell).await;
        if is_deleting {
            for queue in self.queues() {
                let options = QueueDeleteOptions::default();
                self.hand.channel.queue_delete(queue, options).await.expect("deleted");
            }
        }
        self.hand
    }
}

/// Says and hears nothing but keep-alives for longer than a silent peer is waited for.
pub(super) async fn idle(peer: &mut Peer) {
    let (end, heard) = (peer.sent + LONG, peer.heard);
    while peer.sent < end {
        let other = guarded(peer.turn()).await;
        assert!(other.is_none(), "{other:?}");
    }
    assert!(peer.heard > heard, "no keep-alive came");
}

/// The payload of a request to a path, with a body of JSON.
pub(super) fn request(service: &str, path: &str, body: &Value) -> Value {
    json!({
        "url": format!("rpc://{service}{path}"),
        "body": signed(body.to_string().as_bytes()),
        "content_type": "application/json",
        "unknown": true,
    })
}
