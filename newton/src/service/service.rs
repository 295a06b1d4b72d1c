//! A running domain service.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::Notify;

use crate::domain::{Name, OrderId, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::service::EventHandler;
use crate::service::attempt::{Outcome, attempt};
use crate::service::lanes::Job;
use crate::service::progress::{Part, Progress};
use crate::service::worker::Worker;
use crate::subscription::segment;
use crate::subscription::{
    Assembly, Book, Dropped, Failure, HandlerPolicy, Lease, Ledger, Monitor, ParkedKey, Parking, Phase,
    Reaction, ReactionKind, Runtime, Segment, Stop, Work,
};

/// An event handler of an app.
pub(crate) struct Service<H> {
    handling: Arc<Handling<H>>,
    /// Another cut, or another place, is wanted.
    changed: Notify,
}

/// A handler and what it takes to call it.
pub(super) struct Handling<H> {
    pub(super) handler: H,
    pub(super) policy: HandlerPolicy,
    pub(super) runtime: Arc<Runtime>,
    pub(super) progress: Progress,
    ledger: Ledger,
}

impl<H: EventHandler> Service<H> {
    pub(super) fn new(handler: H, assembly: &Assembly) -> Self {
        let name = Name::from_static(H::NAME);
        let monitor = Monitor::new(name.clone(), ReactionKind::EventHandler);
        let runtime = assembly.runtime.clone();
        let handling = Handling {
            handler,
            policy: assembly.handler_policies.of::<H>(),
            ledger: Ledger::new(runtime.clone(), name),
            runtime,
            progress: Progress::new(monitor),
        };
        Self { handling: Arc::new(handling), changed: Notify::new() }
    }

    /// Cuts its keys into another number of segments.
    pub(crate) async fn resplit(&self, segments: u32) -> Result<()> {
        if !(1..=Segment::MOST).contains(&segments) {
            let message = format!("{segments} segments cannot be; ask for 1 to {}", Segment::MOST);
            return Err(Error::new(ErrorKind::InvalidInput, "resplit", message).with("handler", H::NAME));
        }
        self.handling.ledger.ask_for_segments(segments).await?;
        self.changed.notify_one();
        Ok(())
    }

    /// Goes back to `from`, inclusive.
    pub(crate) async fn replay(&self, from: OrderId) -> Result<()> {
        self.handling.ledger.ask_for_replay(from).await?;
        self.changed.notify_one();
        Ok(())
    }
}

#[async_trait]
impl<H: EventHandler> Reaction for Service<H> {
    fn monitor(&self) -> &Monitor {
        self.handling.progress.monitor()
    }

    fn parking(&self) -> &dyn Parking {
        &*self.handling
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    async fn register(&self) -> Result<()> {
        self.handling.ledger.register(H::START, H::SEGMENTS).await
    }

    async fn run(&self, stop: Stop) -> Result<()> {
        let outcome = segment::run(&self.handling.ledger, &self.handling, &self.changed, stop).await;
        match &outcome {
            Ok(()) => self.monitor().enter(Phase::Stopped),
            Err(error) => {
                self.monitor().enter(Phase::Paused);
                self.monitor().failed(error.to_string());
            }
        }
        outcome
    }
}

#[async_trait]
impl<H: EventHandler> Work for Handling<H> {
    async fn work(self: Arc<Self>, lease: Arc<Lease>, book: Book, stop: Stop) -> Result<()> {
        let segment = book.segment();
        let worker = Worker::open(self.clone(), lease, book).await?;
        let outcome = worker.run(stop).await;
        if outcome.is_ok() {
            self.progress.enter(segment, Phase::StandingBy);
        }
        outcome
    }

    fn monitor(&self) -> &Monitor {
        self.progress.monitor()
    }

    fn works_on(&self, segment: Segment) -> bool {
        self.progress.works_on(segment)
    }

    fn paused(&self, segment: Segment, error: &Error) {
        self.progress.monitor().failed(error.to_string());
        self.progress.enter(segment, Phase::Paused);
    }

    fn elsewhere(&self, segment: Segment, position: OrderId) {
        self.progress.set(segment, Part { phase: Phase::StandingBy, position, behind_since: None });
    }

    fn recut(&self) {
        self.progress.clear();
    }
}

impl<H: EventHandler> Handling<H> {
    /// By what an event keeps its order with others.
    pub(super) fn key_of(event: &RecordedEvent) -> Name {
        let tag = H::KEY.and_then(|key| event.tags.iter().find(|tag| *tag.key == *key));
        let key = tag.map_or(event.stream.as_str(), |tag| &tag.value);
        segment::key(key)
    }

    /// Looks how many keys are parked.
    pub(super) async fn count_parked(&self) -> Result<()> {
        self.progress.monitor().parked_keys(self.ledger.marks().await?.len());
        Ok(())
    }

    async fn handle_parked(&self, event: RecordedEvent) -> Result<(), Failure> {
        let job = Job { event: Arc::new(event), attempts: 1 };
        match attempt(self, &job, None).await {
            Outcome::Handled => Ok(()),
            Outcome::Failed(cause) | Outcome::Undecodable(cause) | Outcome::Outage(cause) => {
                Err(Failure { cause, attempts: 1 })
            }
        }
    }

    async fn retry_with(&self, lease: &Lease, key: &str) -> Result<usize> {
        self.ledger.retry(lease, key, &|event| self.handle_parked(event).boxed()).await
    }
}

#[async_trait]
impl<H: EventHandler> Parking for Handling<H> {
    async fn list(&self) -> Result<Vec<ParkedKey>> {
        self.ledger.parked().await
    }

    async fn retry(&self, key: &str) -> Result<usize> {
        let lease = self.ledger.lock_parked().await?;
        let handled = self.retry_with(&lease, key).await;
        self.count_parked().await?;
        lease.release().await?;
        handled
    }

    async fn drop_first(&self, key: &str, reason: &str) -> Result<()> {
        let lease = self.ledger.lock_parked().await?;
        self.ledger.drop_first(&lease, key, reason).await?;
        let handled = self.retry_with(&lease, key).await;
        self.count_parked().await?;
        lease.release().await?;
        handled.map(drop)
    }

    async fn dropped(&self) -> Result<Vec<Dropped>> {
        self.ledger.dropped().await
    }
}

impl<H: EventHandler> fmt::Debug for Handling<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handling").field("name", &H::NAME).field("policy", &self.policy).finish()
    }
}
