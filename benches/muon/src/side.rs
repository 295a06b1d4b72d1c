//! A published store and a client of it; and the store called directly.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt};
use newton::domain::{Clock, NewEvent, SystemClock};
use newton::muon::codec::{Binary, Codec};
use newton::muon::discovery::StaticList;
use newton::muon::protocol::event::{Emit, Part, Processed, emit, replay};
use newton::muon::transport::{AmqpOptions, AmqpTransport, MemoryNetwork};
use newton::muon::{Muon, RemoteService, Transport};
use newton::server::StoreService;
use newton::store::muon::{RemoteOptions, RemoteStore};
use newton::store::{Append, EventStore, EventStoreExt, Read, Selection, Stores};
use newton::{ExpectedVersion, Payload, StreamName};

use crate::{EVENTS, Failure, TASKS};

/// 110 bytes, as in the other benches.
const PAYLOAD: &str = r#"{"Deposited":{"amount":42,"reference":"9f1b6e0c-2d0a-4a4e-9a55-3f0a4f1f7c11/standing order/2026-11-25"}}"#;
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Side {
    server: Muon,
    client: Muon,
    service: RemoteService,
    remote: RemoteStore,
}

pub(crate) async fn memory(stores: &Stores) -> Result<Side, Failure> {
    let network = MemoryNetwork::new();
    Side::of(stores, || Ok(network.transport())).await
}

pub(crate) async fn amqp(stores: &Stores, url: &str) -> Result<Side, Failure> {
    Side::of(stores, || AmqpTransport::new(url, AmqpOptions::default())).await
}

impl Side {
    async fn of<T: Transport>(
        stores: &Stores,
        transport: impl Fn() -> newton::Result<T>,
    ) -> Result<Self, Failure> {
        let name = format!("bench-{}", uuid::Uuid::new_v4());
        let server = Muon::builder(&name).transport(transport()?);
        let server = StoreService::new(stores.clone()).publish(server).start().await?;
        let known = StaticList::new([server.descriptor().clone()]);
        let client = Muon::builder("client").transport(transport()?).discovery(known).start().await?;
        let remote = RemoteStore::open(&client, &name, RemoteOptions::default()).await?;
        let service = client.service(&name).await?;
        Ok(Self { server, client, service, remote })
    }

    pub(crate) async fn end(self) {
        drop(self.remote);
        self.client.shutdown().await;
        self.server.shutdown().await;
    }

    pub(crate) async fn emits(&self, time: Duration) -> Result<f64, Failure> {
        let service = self.service.clone();
        repeat(time, move |task| {
            let service = service.clone();
            async move {
                let event = Emit::new(stream(task), "Deposited", PAYLOAD)?;
                match emit(service.channel("event").await?, &event, LIMIT).await? {
                    Processed::Persisted { .. } => Ok(()),
                    Processed::Failed { cause } => Err(cause.into()),
                }
            }
        })
        .await
    }

    pub(crate) async fn appends(&self, time: Duration) -> Result<f64, Failure> {
        appends(Arc::new(self.remote.clone()), time).await
    }

    pub(crate) async fn replay(&self) -> Result<f64, Failure> {
        let start = Instant::now();
        let mut subscription = self.service.subscribe(&replay("__all__", Part::Cold, 0), 1_000).await?;
        let (mut events, mut items) = (0, Vec::new());
        while events < EVENTS && subscription.next_many(&mut items, 256).await? > 0 {
            events += items.drain(..).count();
        }
        Ok(rate(events, start))
    }

    pub(crate) async fn read(&self) -> Result<f64, Failure> {
        read(&self.remote).await
    }
}

pub(crate) async fn direct_appends(stores: &Stores, time: Duration) -> Result<f64, Failure> {
    appends(stores.events.clone(), time).await
}

pub(crate) async fn direct_read(stores: &Stores) -> Result<f64, Failure> {
    read(&stores.events).await
}

/// As many events at least as are replayed.
pub(crate) async fn fill(stores: &Stores) -> Result<(), Failure> {
    while stores.events.head().await?.current().0 < EVENTS as u64 {
        let events = (0..1_000).map(|_| deposited()).collect();
        let stream = StreamName::parse("bank/Account/fill")?;
        stores.events.append(Append::to(stream, ExpectedVersion::Any, events, SystemClock.now())).await?;
    }
    Ok(())
}

/// The bytes of the message that emits an event, as Newton's services write it.
pub(crate) fn emitted_bytes() -> usize {
    let emitted = Emit::new(stream(1), "Deposited", PAYLOAD).and_then(|emit| serde_json::to_vec(&emit));
    let message = newton::muon::Message::new("event", "EventEmitted", emitted.unwrap_or_default());
    let mut bytes = Vec::new();
    Binary.encode_into(&mut bytes, &message);
    bytes.len()
}

async fn appends<S: EventStore + Clone>(store: S, time: Duration) -> Result<f64, Failure> {
    repeat(time, move |task| {
        let store = store.clone();
        async move {
            let stream = StreamName::parse(stream(task))?;
            let append = Append::to(stream, ExpectedVersion::Any, vec![deposited()], SystemClock.now());
            store.append(append).await?;
            Ok(())
        }
    })
    .await
}

async fn read(store: &impl EventStore) -> Result<f64, Failure> {
    let start = Instant::now();
    let mut events = std::pin::pin!(store.events(Read::of(Selection::All)).take(EVENTS));
    let mut count = 0;
    while events.try_next().await?.is_some() {
        count += 1;
    }
    Ok(rate(count, start))
}

fn stream(task: usize) -> String {
    format!("bank/Account/task-{task}")
}

fn deposited() -> NewEvent {
    NewEvent::new("Deposited", Payload::from_encoded(PAYLOAD))
}

/// How often a second all tasks together do it.
pub(crate) async fn repeat<F>(
    time: Duration,
    once: impl Fn(usize) -> F + Clone + Send + 'static,
) -> Result<f64, Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let done = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (once, done) = (once.clone(), done.clone());
            tokio::spawn(async move {
                while start.elapsed() < time {
                    once(task).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<(), Failure>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(rate(usize::try_from(done.load(Ordering::Relaxed))?, start))
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no precision")]
fn rate(count: usize, start: Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64()
}
