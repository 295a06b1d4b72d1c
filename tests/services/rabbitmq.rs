//! That the broker does what a transport builds on, and that this binary reaches it.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tokio::time::timeout;
use uuid::Uuid;

use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

/// A guard against a broker that hangs; no trial waits for it.
const GUARD: Duration = Duration::from_mins(1);

pub(crate) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "rabbitmq": [
        what_is_published_is_consumed_once_acknowledged,
        what_was_not_acknowledged_comes_again,
        a_queue_ends_with_its_last_consumer,
    ])
}

async fn what_is_published_is_consumed_once_acknowledged(places: Places) {
    let connection = connect(&places).await;
    let channel = connection.create_channel().await.expect("a channel");
    let queue = declare(&channel).await;
    let sent: Vec<_> = (0..100).map(|number| format!("grüße {number}").into_bytes()).collect();
    for body in &sent {
        publish(&channel, &queue, body).await;
    }
    assert_eq!(take(&channel, &queue, sent.len(), true).await, sent);
}

async fn what_was_not_acknowledged_comes_again(places: Places) {
    let connection = connect(&places).await;
    let first = connection.create_channel().await.expect("a channel");
    // The queue ends with its last consumer, so one that takes nothing stays.
    let queue = declare_lasting(&first).await;
    publish(&first, &queue, b"once more").await;
    assert_eq!(take(&first, &queue, 1, false).await, [b"once more"]);
    first.close(200, "".into()).await.expect("a channel that closes");

    let second = connection.create_channel().await.expect("a channel");
    assert_eq!(take(&second, &queue, 1, true).await, [b"once more"]);
    second.queue_delete(queue, QueueDeleteOptions::default()).await.expect("a queue deleted");
}

async fn a_queue_ends_with_its_last_consumer(places: Places) {
    let connection = connect(&places).await;
    let channel = connection.create_channel().await.expect("a channel");
    let queue = declare(&channel).await;
    publish(&channel, &queue, b"one").await;
    // The consumer is told to end with its channel, and the queue with it.
    take(&channel, &queue, 1, true).await;
    channel.close(200, "".into()).await.expect("a channel that closes");

    let channel = connection.create_channel().await.expect("a channel");
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let found = channel.queue_declare(queue, passive, FieldTable::default()).await;
    assert!(found.is_err(), "the queue is still there");
}

pub(crate) async fn connect(places: &Places) -> Connection {
    let url = places.of_service(Service::RabbitMq);
    let connecting = Connection::connect(url, ConnectionProperties::default());
    timeout(GUARD, connecting).await.expect("an answer").expect("a connection")
}

/// As a transport declares its queues.
async fn declare(channel: &Channel) -> ShortString {
    declare_with(channel, QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default() }).await
}

async fn declare_lasting(channel: &Channel) -> ShortString {
    declare_with(channel, QueueDeclareOptions::default()).await
}

async fn declare_with(channel: &Channel, options: QueueDeclareOptions) -> ShortString {
    let name = ShortString::from(format!("newton-trial-{}", Uuid::new_v4()));
    channel.queue_declare(name.clone(), options, FieldTable::default()).await.expect("a queue");
    name
}

async fn publish(channel: &Channel, queue: &ShortString, body: &[u8]) {
    let properties = BasicProperties::default().with_delivery_mode(1);
    let options = BasicPublishOptions::default();
    channel
        .basic_publish("".into(), queue.clone(), options, body, properties)
        .await
        .expect("a message on its way")
        .await
        .expect("a message sent");
}

/// The bodies of so many messages, each acknowledged where that is asked for.
async fn take(channel: &Channel, queue: &ShortString, count: usize, acknowledge: bool) -> Vec<Vec<u8>> {
    let options = BasicConsumeOptions::default();
    let consuming = channel.basic_consume(queue.clone(), "".into(), options, FieldTable::default());
    let mut consumer = consuming.await.expect("a consumer");
    let mut bodies = Vec::new();
    while bodies.len() < count {
        let next = timeout(GUARD, consumer.next()).await.expect("a message in time");
        let delivery = next.expect("a consumer that lasts").expect("a delivery");
        if acknowledge {
            delivery.ack(BasicAckOptions::default()).await.expect("an acknowledgement");
        }
        bodies.push(delivery.data);
    }
    bodies
}
