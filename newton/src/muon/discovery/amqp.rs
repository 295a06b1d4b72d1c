//! Discovery over a RabbitMQ broker: services tell of themselves again and again, and answer whoever asks who is there.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Consumer, ExchangeKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::{Directory, Discovery, Services};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::descriptor::Descriptor;
use crate::muon::timings::Timings;
use crate::muon::transport::amqp::{AmqpOptions, Broker};
use crate::sync::lock;

const EXCHANGE: &str = "muon-broadcast";
const DISCOVERY: &str = "discovery";
const REQUEST: &str = "discovery-request";
const SERVICE_LIST: &str = "service-list";
/// The most instances of other services that are kept, so that nobody can fill the memory.
const MOST_SERVICES: usize = 10_000;
/// The wait before a broken connection is made anew, and how far it grows.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Finds services at a broker, and tells others of those of this process. Clones are the same.
#[derive(Clone)]
pub struct AmqpDiscovery(Arc<Running>);

struct Running {
    shared: Arc<Shared>,
    task: Mutex<Option<AbortHandle>>,
}

struct Shared {
    broker: Broker,
    timings: Timings,
    directory: Directory,
    known: Mutex<Known>,
    /// Something is to be announced.
    news: Notify,
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct Known {
    own: Vec<Descriptor>,
    /// When an instance was heard of last.
    heard: HashMap<(String, Option<String>), Instant>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Progress {
    Connecting,
    Asked,
    Answered,
}

/// The answer to a request.
#[derive(Serialize, Deserialize)]
struct ServiceList {
    name: String,
    list: Vec<Descriptor>,
}

impl AmqpDiscovery {
    /// Discovery at the broker of a URL; see [`AmqpTransport::new`](crate::muon::transport::AmqpTransport::new). It connects
    /// once it is used.
    ///
    /// # Errors
    /// As `AmqpTransport::new`.
    pub fn new(url: &str, options: AmqpOptions) -> Result<Self> {
        let broker = Broker::new(url, &options)?;
        let shared = Shared {
            broker,
            timings: options.timings,
            directory: Directory::default(),
            known: Mutex::default(),
            news: Notify::new(),
            progress: watch::Sender::new(Progress::Connecting),
        };
        Ok(Self(Arc::new(Running { shared: Arc::new(shared), task: Mutex::default() })))
    }

    /// Begins to work, if it has not.
    fn begin(&self) {
        let mut task = lock(&self.0.task);
        if task.is_none() {
            *task = Some(tokio::spawn(run(self.0.shared.clone())).abort_handle());
        }
    }
}

#[async_trait]
impl Discovery for AmqpDiscovery {
    async fn announce(&self, service: &Descriptor) -> Result<()> {
        self.begin();
        let shared = &self.0.shared;
        {
            let mut known = lock(&shared.known);
            known.own.retain(|own| !own.is_same_instance(service));
            known.own.push(service.clone().without_credentials());
        }
        shared.directory.insert(service);
        shared.news.notify_one();
        Ok(())
    }

    async fn retract(&self, service: &Descriptor) -> Result<()> {
        lock(&self.0.shared.known).own.retain(|own| !own.is_same_instance(service));
        self.0.shared.directory.remove(service);
        Ok(())
    }

    async fn ready(&self) -> Result<()> {
        self.begin();
        let mut progress = self.0.shared.progress.subscribe();
        let answered = progress.wait_for(|progress| *progress == Progress::Answered);
        let answered = timeout(self.0.shared.timings.discovery, answered).await.is_ok();
        let is_connected = *self.0.shared.progress.borrow() != Progress::Connecting;
        if answered || is_connected {
            return Ok(());
        }
        let message = "the broker cannot be reached, so that nobody is found; see that it runs";
        Err(Error::new(ErrorKind::Unavailable, "discover", message)
            .with("broker", self.0.shared.broker.shown()))
    }

    fn services(&self) -> Services {
        self.0.shared.directory.services()
    }

    async fn close(&self) {
        if let Some(task) = lock(&self.0.task).take() {
            task.abort();
        }
        self.0.shared.broker.close().await;
    }
}

impl fmt::Debug for AmqpDiscovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AmqpDiscovery").field(&self.0.shared.broker).finish()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

/// Connects, and connects again, until it is aborted.
async fn run(shared: Arc<Shared>) {
    let mut wait = FIRST_WAIT;
    loop {
        match shared.attach().await {
            Ok((channel, consumer)) => {
                wait = FIRST_WAIT;
                if let Err(error) = shared.converse(&channel, consumer).await {
                    tracing::warn!(%error, "discovery lost its broker; it connects again");
                }
            }
            Err(error) if *error.kind() == ErrorKind::Closed => return,
            Err(error) => tracing::warn!(%error, "discovery cannot reach its broker"),
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

impl Shared {
    async fn attach(&self) -> Result<(Channel, Consumer)> {
        let channel = self.broker.channel().await?;
        self.consume(&channel)
            .await
            .map(|consumer| (channel, consumer))
            .map_err(|error| self.broker.failed(error))
    }

    async fn consume(&self, channel: &Channel) -> lapin::Result<Consumer> {
        let (exchange, none) = (ShortString::from(EXCHANGE), FieldTable::default());
        let options = ExchangeDeclareOptions::default();
        channel.exchange_declare(exchange.clone(), ExchangeKind::Topic, options, none.clone()).await?;
        let options =
            QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(ShortString::default(), options, none.clone()).await?;
        for key in [DISCOVERY, REQUEST] {
            let options = QueueBindOptions::default();
            channel
                .queue_bind(queue.name().clone(), exchange.clone(), key.into(), options, none.clone())
                .await?;
        }
        // What is said of services is out of date in seconds, so that nothing is acknowledged.
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        channel.basic_consume(queue.name().clone(), ShortString::default(), options, none).await
    }

    /// Announces, asks, answers and forgets, until the connection breaks.
    async fn converse(&self, channel: &Channel, mut consumer: Consumer) -> Result<()> {
        self.announce(channel).await?;
        self.publish(channel, REQUEST, b"{}").await?;
        self.progress.send_if_modified(|progress| {
            let first = *progress == Progress::Connecting;
            if first {
                *progress = Progress::Asked;
            }
            first
        });
        let mut announcing = interval(self.timings.announce);
        let mut forgetting = interval((self.timings.silence / 8).max(Duration::from_millis(1)));
        for ticks in [&mut announcing, &mut forgetting] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                delivery = consumer.next() => match delivery {
                    Some(Ok(delivery)) => self.hear(channel, &delivery).await?,
                    Some(Err(error)) => return Err(self.broker.failed(error)),
                    None => return Err(Error::new(ErrorKind::Unavailable, "discover", "the broker ended the queue")),
                },
                _ = announcing.tick() => self.announce(channel).await?,
                () = self.news.notified() => self.announce(channel).await?,
                _ = forgetting.tick() => self.forget(),
            }
        }
    }

    async fn hear(&self, channel: &Channel, delivery: &Delivery) -> Result<()> {
        if delivery.routing_key.as_str() == DISCOVERY {
            match serde_json::from_slice::<Descriptor>(&delivery.data) {
                Ok(service) => self.note(&service),
                Err(error) => tracing::debug!(%error, "an announcement cannot be read"),
            }
            return Ok(());
        }
        match serde_json::from_slice::<ServiceList>(&delivery.data) {
            Ok(answer) if answer.name == SERVICE_LIST => {
                // The own answer says nothing of others.
                let is_foreign = answer.list.iter().any(|service| !self.is_own(service));
                answer.list.iter().for_each(|service| self.note(service));
                if is_foreign {
                    self.progress.send_replace(Progress::Answered);
                }
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(_) => self.answer(channel, &delivery.data).await,
        }
    }

    /// Answers a request, which is any other JSON object, with the services of this process.
    async fn answer(&self, channel: &Channel, request: &[u8]) -> Result<()> {
        if !serde_json::from_slice::<Value>(request).is_ok_and(|request| request.is_object()) {
            tracing::debug!("a request for services cannot be read");
            return Ok(());
        }
        let list = lock(&self.known).own.clone();
        if list.is_empty() {
            return Ok(());
        }
        let answer = ServiceList { name: SERVICE_LIST.to_owned(), list };
        self.publish(channel, REQUEST, &encode(&answer)?).await
    }

    async fn announce(&self, channel: &Channel) -> Result<()> {
        let own = lock(&self.known).own.clone();
        for service in &own {
            self.publish(channel, DISCOVERY, &encode(service)?).await?;
        }
        Ok(())
    }

    async fn publish(&self, channel: &Channel, key: &str, body: &[u8]) -> Result<()> {
        let json = || AMQPValue::LongString("application/json".into());
        let mut headers = FieldTable::default();
        headers.insert("Content-Type".into(), json());
        let properties =
            BasicProperties::default().with_content_type("application/json".into()).with_headers(headers);
        let options = BasicPublishOptions::default();
        let published = channel.basic_publish(EXCHANGE.into(), key.into(), options, body, properties).await;
        published.map(drop).map_err(|error| self.broker.failed(error))
    }

    fn note(&self, service: &Descriptor) {
        if self.is_own(service) {
            return;
        }
        let key = (service.identifier.clone(), service.instance_id.clone());
        let mut known = lock(&self.known);
        if known.heard.len() >= MOST_SERVICES && !known.heard.contains_key(&key) {
            return tracing::warn!(service = key.0, "more services are announced than are kept");
        }
        known.heard.insert(key, Instant::now());
        drop(known);
        self.directory.insert(service);
    }

    fn is_own(&self, service: &Descriptor) -> bool {
        lock(&self.known).own.iter().any(|own| own.is_same_instance(service))
    }

    /// Forgets who has not been heard of for too long.
    fn forget(&self) {
        let mut known = lock(&self.known);
        let Known { own, heard } = &mut *known;
        heard.retain(|_, last| last.elapsed() < self.timings.silence);
        self.directory.retain(|service| {
            own.iter().any(|own| own.is_same_instance(service))
                || heard.contains_key(&(service.identifier.clone(), service.instance_id.clone()))
        });
    }
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| {
        Error::new(ErrorKind::Internal, "announce", "a descriptor has no JSON form").caused_by(error)
    })
}
