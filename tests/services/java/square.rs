//! The peer's discovery: where services tell of themselves and ask for others.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, Consumer, ExchangeKind};
use serde_json::{Value, json};
use tokio::time::interval;

const EXCHANGE: &str = "muon-broadcast";
const DISCOVERY: &str = "discovery";
const REQUEST: &str = "discovery-request";
/// From one announcement or request to the next.
const AGAIN: Duration = Duration::from_millis(200);

/// How a service is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    /// It tells of itself again and again.
    Announced,
    /// It answers whoever asks.
    Listed,
}

/// A place at the exchange that hears what is asked and what is answered.
pub(super) struct Square {
    channel: Channel,
    heard: Consumer,
}

impl Square {
    pub(super) async fn open(connection: &Connection) -> Self {
        let channel = connection.create_channel().await.expect("a channel");
        let none = FieldTable::default;
        let options = ExchangeDeclareOptions::default();
        let declared = channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, options, none()).await;
        declared.expect("an exchange");
        let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(ShortString::default(), options, none()).await.expect("a queue");
        let (queue, options) = (queue.name().clone(), QueueBindOptions::default());
        let bound = channel.queue_bind(queue.clone(), EXCHANGE.into(), REQUEST.into(), options, none()).await;
        bound.expect("bound");
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let heard = channel.basic_consume(queue, "".into(), options, none()).await.expect("a consumer");
        Self { channel, heard }
    }

    /// Asks until somebody lists a service, and gives back its descriptor.
    pub(super) async fn find(mut self, name: &str) -> Value {
        let mut again = interval(AGAIN);
        loop {
            tokio::select! {
                _ = again.tick() => self.say(REQUEST, &json!({})).await,
                answer = self.next() => {
                    let list = answer["list"].as_array().filter(|_| answer["name"] == "service-list");
                    let mut list = list.into_iter().flatten();
                    if let Some(found) = list.find(|service| service["identifier"] == name) {
                        return found.clone();
                    }
                }
            }
        }
    }

    /// Lets a service be found in one way, for as long as it is asked to.
    pub(super) async fn tell(mut self, service: Value, way: Way) {
        let mut again = interval(AGAIN);
        loop {
            tokio::select! {
                _ = again.tick(), if way == Way::Announced => self.say(DISCOVERY, &service).await,
                request = self.next() => if way == Way::Listed && request == json!({}) {
                    self.say(REQUEST, &json!({ "name": "service-list", "list": [service], "unknown": 1 })).await;
                }
            }
        }
    }

    async fn next(&mut self) -> Value {
        let delivery = self.heard.next().await.expect("a consumer that lasts").expect("a delivery");
        serde_json::from_slice(&delivery.data).unwrap_or_default()
    }

    async fn say(&self, key: &str, body: &Value) {
        let mut headers = FieldTable::default();
        headers.insert("Content-Type".into(), AMQPValue::LongString("application/json".into()));
        let properties =
            BasicProperties::default().with_content_type("application/json".into()).with_headers(headers);
        let (options, body) = (BasicPublishOptions::default(), body.to_string());
        let sent =
            self.channel.basic_publish(EXCHANGE.into(), key.into(), options, body.as_bytes(), properties);
        sent.await.expect("a message on its way").await.expect("a message sent");
    }
}
