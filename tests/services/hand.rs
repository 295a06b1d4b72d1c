//! Channels by plain AMQP, by which trials are a peer of Newton that is not Newton.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, Consumer};
use newton::muon::codec::deflate::inflated;
use newton::muon::codec::json;
use newton::muon::{Limits, Message};
use uuid::Uuid;

use crate::amqp::guarded;

/// One end of a channel, by hand.
pub(crate) struct Hand {
    pub(crate) channel: Channel,
    /// What arrives in `own`.
    pub(crate) incoming: Consumer,
    pub(crate) own: ShortString,
    /// The queue that the peer reads.
    pub(crate) outgoing: ShortString,
}

/// The queues that a handshake names.
pub(crate) fn queues() -> (ShortString, ShortString) {
    let id = Uuid::new_v4();
    (format!("hand.listen.{id}").into(), format!("hand.reply.{id}").into())
}

pub(crate) async fn ask(
    channel: &Channel,
    service: &str,
    protocol: &str,
    listen_queue: &ShortString,
    reply_queue: &ShortString,
) {
    let headers = [
        ("handshake", "initiated"),
        ("protocol", protocol),
        ("server_reply_q", reply_queue.as_str()),
        ("server_listen_q", listen_queue.as_str()),
    ];
    publish(channel, &format!("service.{service}").into(), b"{}", &headers).await;
}

pub(crate) async fn publish(channel: &Channel, queue: &ShortString, body: &[u8], headers: &[(&str, &str)]) {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert((*name).into(), AMQPValue::LongString((*value).into()));
    }
    let properties = BasicProperties::default().with_delivery_mode(1).with_headers(table);
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish("".into(), queue.clone(), options, body, properties).await;
    sent.expect("a message on its way").await.expect("a message sent");
}

pub(crate) async fn consume(channel: &Channel, queue: &ShortString) -> Consumer {
    declare(channel, queue).await;
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(queue.clone(), "".into(), options, FieldTable::default()).await;
    consumer.expect("a consumer")
}

async fn declare(channel: &Channel, queue: &ShortString) {
    let options = QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.clone(), options, FieldTable::default()).await.expect("a queue");
}

impl Hand {
    /// Opens a channel to a service.
    pub(crate) async fn open(connection: &Connection, service: &str, protocol: &str) -> Self {
        Self::over(connection, service, protocol, queues()).await
    }

    /// The same over queues of these names: the one that the service listens on, and the one for its replies.
    pub(crate) async fn over(
        connection: &Connection,
        service: &str,
        protocol: &str,
        (outgoing, own): (ShortString, ShortString),
    ) -> Self {
        let channel = connection.create_channel().await.expect("a channel");
        let incoming = consume(&channel, &own).await;
        declare(&channel, &outgoing).await;
        ask(&channel, service, protocol, &outgoing, &own).await;
        let mut hand = Self { channel, incoming, own, outgoing };
        assert_eq!(header(&hand.next().await, "handshake"), "accepted");
        hand
    }

    /// Accepts the channel that a handshake asks for.
    pub(crate) async fn accept(connection: &Connection, handshake: &Delivery) -> Self {
        let queue = |name| ShortString::from(header(handshake, name));
        let (own, outgoing) = (queue("server_listen_q"), queue("server_reply_q"));
        let channel = connection.create_channel().await.expect("a channel");
        let incoming = consume(&channel, &own).await;
        let headers = [("handshake", "accepted"), ("protocol", &*header(handshake, "protocol"))];
        publish(&channel, &outgoing, b"{}", &headers).await;
        Self { channel, incoming, own, outgoing }
    }

    pub(crate) fn queues(&self) -> [ShortString; 2] {
        [self.own.clone(), self.outgoing.clone()]
    }

    pub(crate) async fn next(&mut self) -> Delivery {
        let delivery =
            guarded(self.incoming.next()).await.expect("a consumer that lasts").expect("a delivery");
        delivery.acker.ack(BasicAckOptions::default()).await.expect("acknowledged");
        delivery
    }

    /// What comes, without keep-alives, up to the message that closes the channel.
    pub(crate) async fn last(&mut self) -> Message {
        loop {
            let message = json::decode(&self.next().await.data, &Limits::default()).expect("a message");
            if message.is_closing() {
                return message;
            }
        }
    }

    /// The payload of the next message of a shared channel.
    pub(crate) async fn answer(&mut self) -> String {
        loop {
            let message = json::decode(&self.next().await.data, &Limits::default()).expect("a message");
            assert!(!message.is_closing(), "{message:?}");
            if message.protocol == "shared-channel" {
                let message = inflated(message, &Limits::default()).expect("a payload");
                return String::from_utf8_lossy(&message.payload).into_owned();
            }
        }
    }

    pub(crate) async fn send(&self, body: &[u8]) {
        publish(&self.channel, &self.outgoing, body, &[("content_type", "application/json")]).await;
    }
}

/// A header that has to be there.
pub(crate) fn header(delivery: &Delivery, name: &str) -> String {
    let headers = delivery.properties.headers().as_ref().expect("headers");
    let value = headers.inner().get(name).unwrap_or_else(|| panic!("the header {name}"));
    value.as_long_string().expect("a text").to_string()
}

/// Whether the broker has such a queue. The question costs a channel.
pub(crate) async fn exists(connection: &Connection, queue: &ShortString) -> bool {
    let channel = connection.create_channel().await.expect("a channel");
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let found = channel.queue_declare(queue.clone(), passive, FieldTable::default()).await.is_ok();
    let _ = channel.close(200, "asked".into()).await;
    found
}

pub(crate) async fn assert_gone(connection: &Connection, queues: &[ShortString]) {
    for queue in queues {
        guarded(async {
            while exists(connection, queue).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
}
