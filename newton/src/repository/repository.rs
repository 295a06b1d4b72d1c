//! The door to the aggregates of one type.

use std::fmt;
use std::sync::Arc;

use futures_util::Stream;
use tracing::Instrument;

use crate::domain::id::EventIds;
use crate::domain::{Aggregate, AggregateId, Command, EventId, RecordedEvent, StreamName, Version};
use crate::error::Result;
use crate::repository::cache::{Cache, CacheStats};
use crate::repository::fold::Fold;
use crate::repository::history::{Recorded, history};
use crate::repository::lane::{Job, Outcome, Request};
use crate::repository::rehydrate::{catch_up, fold_up_to};
use crate::repository::snapshot::{Audit, AuditStats};
use crate::repository::updates::updates;
use crate::repository::{Environment, ExecuteError, Loaded, Order, Receipt, rejected};
use crate::store::{EventStore, Load, Position, Read, Selection};

/// The aggregates of one type over a store: executes commands, loads states, keeps a bounded number of them in memory.
///
/// Cloning is cheap; clones share everything. Usually reached through [`App`](crate::App).
pub struct Repository<A: Aggregate>(Arc<Inner<A>>);

struct Inner<A: Aggregate> {
    environment: Arc<Environment>,
    cache: Cache<A>,
    audit: Audit,
}

impl<A: Aggregate> Clone for Repository<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Aggregate> fmt::Debug for Repository<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository({})", A::DOMAIN)
    }
}

impl<A: Aggregate> Repository<A> {
    /// A repository in an environment.
    pub fn new(environment: Arc<Environment>) -> Self {
        let cache = Cache::new(environment.settings.cached_aggregates);
        Self(Arc::new(Inner { environment, cache, audit: Audit::default() }))
    }

    /// Executes a command: load, decide, append; on a conflict load the tail and decide again, a bounded number of
    /// times. Commands to one aggregate queue in this process, and share commits where the store groups them.
    pub(crate) async fn execute(&self, id: AggregateId, command: A::Command, order: Order) -> Outcome<A> {
        let lane = self.0.cache.lane(id);
        let span = tracing::info_span!(
            "execute",
            messaging.system = "newton",
            messaging.operation.name = "execute",
            messaging.operation.type = "process",
            messaging.destination.name = %lane.stream,
            messaging.message.id = %order.command_id,
            messaging.message.conversation_id = %order.correlation_id(),
        );
        let mut job = Arc::new(Job { command, order });
        async {
            loop {
                let (request, outcome) = Request::new(job.clone());
                if let Some(turn) = lane.submit(request) {
                    self.clone().run(turn).await;
                }
                match outcome.await {
                    Ok(Err(ExecuteError::Rejected(rejection))) => {
                        let command = job.command.command_type().name;
                        rejected::record(self.environment(), &lane.stream, command, &job.order, &rejection)
                            .await;
                        return Err(ExecuteError::Rejected(rejection));
                    }
                    Ok(outcome) => return outcome,
                    // Whoever had the turn was dropped, perhaps after the append: submit again, and look it up.
                    Err(_) => job = job.again(),
                }
            }
        }
        .instrument(span)
        .await
    }

    /// The present state; `None` where the aggregate has no events.
    ///
    /// # Errors
    /// [`Deleted`](crate::ErrorKind::Deleted) where it was deleted, and the errors of the store and of decoding.
    pub async fn load(&self, id: &AggregateId) -> Result<Option<Loaded<A>>> {
        let fold = self.present(id).await?;
        let exists = fold.version > Version::EMPTY;
        Ok(exists.then(|| Loaded { id: id.clone(), state: fold.state, version: fold.version }))
    }

    /// The fold of all events, begun from memory where that knows the aggregate.
    pub(crate) async fn present(&self, id: &AggregateId) -> Result<Fold<A>> {
        let lane = self.0.cache.find(id);
        let known = lane.as_ref().and_then(|lane| lane.peek()).filter(|fold| self.0.cache.keeps(fold));
        self.0.cache.count(known.is_some());
        let stream = self.stream(id);
        let fold = match known {
            Some(mut fold) => {
                catch_up(&mut fold, &stream, &self.0.environment).await?;
                fold.stale = false;
                fold
            }
            None => self.rehydrate(id, &stream).await?,
        };
        if fold.version > Version::EMPTY && self.0.cache.keeps(&fold) {
            lane.unwrap_or_else(|| self.0.cache.lane(id.clone())).keep(&fold);
        }
        Ok(fold)
    }

    /// The state as it was at a version. Works for deleted aggregates too.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) where there is no such version, and the errors of the store and of decoding.
    pub async fn load_at(&self, id: &AggregateId, version: Version) -> Result<Loaded<A>> {
        let stream = self.stream(id);
        let start = self.snapshot(&stream).await?.filter(|fold| fold.version <= version).unwrap_or_default();
        let fold = fold_up_to(start, version, &stream, &*self.0.environment.events).await?;
        Ok(Loaded { id: id.clone(), state: fold.state, version })
    }

    /// Whether the aggregate has events and was not deleted.
    pub async fn exists(&self, id: &AggregateId) -> Result<bool> {
        let load = Load { stream: self.stream(id), after: Version::EMPTY, limit: 1 };
        let slice = self.0.environment.events.load(load).await?;
        Ok(slice.version > Version::EMPTY && !slice.deleted)
    }

    /// The aggregate's events, decoded, from the first on; ends at the last one stored. A tombstone is left out.
    pub fn history(
        &self,
        id: &AggregateId,
    ) -> impl Stream<Item = Result<Recorded<A::Event>>> + Send + use<A> {
        history(self.0.environment.events.clone(), self.stream(id))
    }

    /// The present state, if there is one, and then each new state, until the aggregate is deleted. Where several
    /// events came at once, the states between them are given too.
    pub fn updates(&self, id: &AggregateId) -> impl Stream<Item = Result<Loaded<A>>> + Send + use<A> {
        updates(self.clone(), id.clone())
    }

    /// How often states were found in memory.
    pub fn cache_stats(&self) -> CacheStats {
        self.0.cache.stats()
    }

    /// How many snapshots the audit has checked.
    pub fn audit_stats(&self) -> AuditStats {
        self.0.audit.stats()
    }

    /// The stream of an aggregate.
    pub fn stream(&self, id: &AggregateId) -> StreamName {
        StreamName::of_aggregate(A::DOMAIN, id)
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.0.environment
    }

    pub(crate) fn cache(&self) -> &Cache<A> {
        &self.0.cache
    }

    pub(crate) fn audit(&self) -> &Audit {
        &self.0.audit
    }

    /// The state from the snapshot, if there is one, and the events behind it.
    pub(crate) async fn rehydrate(&self, id: &AggregateId, stream: &StreamName) -> Result<Fold<A>> {
        let epoch = self.0.cache.epoch();
        let mut fold = Fold { epoch, ..self.snapshot(stream).await?.unwrap_or_default() };
        if fold.snapshot > Version::EMPTY {
            self.sample_audit(id, &fold);
        }
        catch_up(&mut fold, stream, &self.0.environment).await?;
        Ok(fold)
    }

    /// The outcome, unless it wrote nothing and the command may have been executed before: then what came of it.
    pub(crate) async fn unless_known(
        &self,
        stream: &StreamName,
        order: &Order,
        outcome: Outcome<A>,
    ) -> Outcome<A> {
        let wrote = matches!(&outcome, Ok(receipt) if receipt.events > 0 && !receipt.duplicate);
        if wrote || !order.maybe_known {
            return outcome;
        }
        match first_outcome(&*self.0.environment.events, stream, order).await? {
            Some(receipt) => Ok(receipt),
            None => outcome,
        }
    }
}

impl<A: Aggregate> Job<A> {
    /// The same job, which may have been done.
    fn again(&self) -> Arc<Self> {
        let order = Order { maybe_known: true, ..self.order.clone() };
        Arc::new(Self { command: self.command.clone(), order })
    }
}

/// What a command caused in a stream, if it was executed before.
pub(crate) async fn first_outcome(
    events: &dyn EventStore,
    stream: &StreamName,
    order: &Order,
) -> Result<Option<Receipt>> {
    let first: EventId = EventIds::of(&order.command_id, stream).at(0);
    let page = events.read(Read::of(Selection::Ids(vec![first]))).await?;
    let Some(first) = page.events.into_iter().next() else { return Ok(None) };
    let caused = |event: &RecordedEvent| event.metadata.command_id == first.metadata.command_id;
    let mut read = Read::of(Selection::Stream(stream.clone())).from(Position::Version(first.version));
    let (mut last, mut count) = (first.clone(), 0);
    loop {
        let page = events.read(read.clone()).await?;
        let caused =
            page.events.iter().take_while(|event| caused(event)).inspect(|event| last = (*event).clone());
        let found = caused.count();
        count += found;
        match page.next {
            Some(next) if found == page.events.len() => read.from = Some(next),
            _ => break,
        }
    }
    Ok(Some(Receipt {
        command_id: order.command_id.clone(),
        correlation_id: first.metadata.correlation_id.clone().unwrap_or_else(|| order.correlation_id()),
        version: last.version,
        order_id: last.order_id,
        events: count,
        duplicate: true,
    }))
}
