//! What can be asked of a saga and of its instances.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::domain::stream_name::encode_id;
use crate::domain::{EventId, Name, OrderId, Timestamp, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::saga::instance::{Course, Instance};
use crate::saga::manager::Manager;
use crate::saga::names::{Names, SPACE};
use crate::saga::record::{EndedAs, Record};
use crate::saga::rows::{self, IndexRow, InstanceRow, RefusedRow};
use crate::saga::{Saga, state};
use crate::store::{EventStoreExt, Read, Scan, Selection};
use crate::subscription::{Ledger, Reaction, Runtime, Subscribe};

/// Where an instance is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SagaStatus {
    /// It takes in triggers, or its last commands are under way.
    Running,
    /// A command failed for good, and what was done before is being made up for.
    Compensating,
    /// Something could not be handled: somebody has to look.
    Parked,
    /// It ended by itself, and all of its commands are done.
    Ended,
    /// It ended by a failure, and what was done before was made up for.
    Compensated,
}

/// A record of an instance, with when and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct SagaRecord {
    /// Its place in the instance's stream.
    pub version: Version,
    /// Its place in the store.
    pub order_id: OrderId,
    /// Its id.
    pub id: EventId,
    /// When.
    pub time: Timestamp,
    /// What it says.
    pub record: Record,
}

/// An instance in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSaga {
    /// Its key.
    pub key: String,
    /// When it was started, or when it ended.
    pub time: Timestamp,
}

/// An event that no instance took in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEvent {
    /// Its place in the log.
    pub order_id: OrderId,
    /// Its id.
    pub event_id: EventId,
    /// The name of its type.
    pub event_type: Name,
    /// Why.
    pub reason: String,
}

/// How many events no instance took in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusedEvents {
    /// Those for which there was no instance.
    pub unmatched: u64,
    /// Those whose instance had ended, without what the instance's own commands brought about.
    pub late: u64,
}

/// One instance of a saga, which need not exist.
#[derive(Clone)]
pub struct SagaInstance<S> {
    runtime: Arc<Runtime>,
    key: String,
    saga: PhantomData<fn() -> S>,
}

/// All instances of a saga.
#[derive(Clone)]
pub struct Sagas<S> {
    runtime: Arc<Runtime>,
    reaction: Option<Arc<dyn Reaction>>,
    saga: PhantomData<fn() -> S>,
}

impl<S: Saga> SagaInstance<S> {
    pub(crate) fn new(runtime: Arc<Runtime>, key: String) -> Self {
        Self { runtime, key, saga: PhantomData }
    }

    /// The present state; `None` where there is no such instance.
    ///
    /// # Errors
    /// Where the stored state does not fit the present code, and the store's.
    pub async fn state(&self) -> Result<Option<S>> {
        let instance = self.load().await?;
        instance.exists().then(|| state::read(&instance.state)).transpose()
    }

    /// Where it is on its way; `None` where there is no such instance.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn status(&self) -> Result<Option<SagaStatus>> {
        let names = Names::of::<S>()?;
        let (instance, id) = (self.load().await?, encode_id(&self.key));
        let marks = Ledger::new(self.runtime.clone(), names.saga).marks().await?;
        let is_parked = marks.iter().any(|mark| **mark == *id.as_str());
        Ok(match instance.course {
            _ if is_parked => Some(SagaStatus::Parked),
            _ if !instance.exists() => None,
            course => Some(status(&course)),
        })
    }

    /// Its records, from the first to the last stored one; none where there is no such instance.
    ///
    /// # Errors
    /// Where a record cannot be read, and the store's.
    pub async fn history(&self) -> Result<Vec<SagaRecord>> {
        let stream = Names::of::<S>()?.stream(&encode_id(&self.key));
        let events = self.runtime.events.read_all(Read::of(Selection::Stream(stream))).await?;
        let record = |event: &crate::RecordedEvent| {
            Ok(SagaRecord {
                version: event.version,
                order_id: event.order_id,
                id: event.id.clone(),
                time: event.time,
                record: Record::decode(event)?,
            })
        };
        events.iter().map(record).collect()
    }

    /// Waits until it has ended or was compensated, and says which. It need not have started yet.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] where it has not ended in time, with where it is; the store's.
    pub async fn ended(&self, limit: Duration) -> Result<SagaStatus> {
        if let Ok(outcome) = timeout(limit, self.end()).await {
            return outcome;
        }
        let status = self.status().await?.map_or("not started".to_owned(), |status| format!("{status:?}"));
        let message = "the instance has not ended in time; look at its history, and at what is parked";
        Err(Error::new(ErrorKind::Unavailable, "wait for saga", message)
            .with("saga", S::NAME)
            .with("key", &self.key)
            .with("status", status))
    }

    async fn end(&self) -> Result<SagaStatus> {
        let stream = Names::of::<S>()?.stream(&encode_id(&self.key));
        let subscribe = Subscribe::hot_cold(Selection::Stream(stream));
        let mut subscription = self.runtime.subscriptions.open(subscribe).await?;
        while let Some(batch) = subscription.next_batch(Read::PAGE).await? {
            for event in &batch.events {
                match Record::decode(event)? {
                    Record::Ended(ended) if ended.status == EndedAs::Ended => return Ok(SagaStatus::Ended),
                    Record::Ended(ended) if ended.status == EndedAs::Compensated => {
                        return Ok(SagaStatus::Compensated);
                    }
                    _ => {}
                }
            }
        }
        Err(Error::new(ErrorKind::Closed, "wait for saga", "the store was closed"))
    }

    async fn load(&self) -> Result<Instance> {
        let stream = Names::of::<S>()?.stream(&encode_id(&self.key));
        let mut instance = Instance::default();
        for event in self.runtime.events.read_all(Read::of(Selection::Stream(stream))).await? {
            instance.fold(&event)?;
        }
        Ok(instance)
    }
}

impl<S: Saga> Sagas<S> {
    pub(crate) fn new(runtime: Arc<Runtime>, reaction: Option<Arc<dyn Reaction>>) -> Self {
        Self { runtime, reaction, saga: PhantomData }
    }

    /// The instances that run, a page of at most `limit`, sorted; behind the key `after`, the last of the page before.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn running(&self, after: Option<&str>, limit: usize) -> Result<Vec<ListedSaga>> {
        let parked: HashSet<Name> = self.marks().await?.into_iter().collect();
        let (mut running, mut after) = (Vec::new(), after.map(ToOwned::to_owned));
        while running.len() < limit {
            let page = self.list(rows::RUNNING, after.as_deref(), limit).await?;
            let is_last = page.len() < limit;
            after = page.last().map(|listed| listed.key.clone()).or(after);
            running
                .extend(page.into_iter().filter(|listed| !parked.contains(encode_id(&listed.key).as_str())));
            if is_last {
                break;
            }
        }
        running.truncate(limit);
        Ok(running)
    }

    /// The instances that ended by themselves, as [`running`](Self::running).
    ///
    /// # Errors
    /// Those of the store.
    pub async fn ended(&self, after: Option<&str>, limit: usize) -> Result<Vec<ListedSaga>> {
        self.list(rows::ENDED, after, limit).await
    }

    /// The instances that were compensated, as [`running`](Self::running).
    ///
    /// # Errors
    /// Those of the store.
    pub async fn compensated(&self, after: Option<&str>, limit: usize) -> Result<Vec<ListedSaga>> {
        self.list(rows::COMPENSATED, after, limit).await
    }

    /// The keys of the instances that are parked, sorted, in the form in which they name streams. What is parked of each,
    /// and why, tells [`App::parked_of`](crate::App::parked_of).
    ///
    /// # Errors
    /// Those of the store.
    pub async fn parked(&self) -> Result<Vec<Name>> {
        let mut marks = self.marks().await?;
        marks.sort();
        Ok(marks)
    }

    /// How many events no instance took in.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn refused(&self) -> Result<RefusedEvents> {
        self.store().await?;
        let key = Names::of::<S>()?.row(rows::INDEX, "0");
        let stored = self.runtime.state.get(&key).await?;
        let row: IndexRow = stored.as_ref().map(rows::read).transpose()?.unwrap_or_default();
        Ok(RefusedEvents { unmatched: row.unmatched, late: row.late })
    }

    /// The latest events for which there was no instance, oldest first; 10,000 are kept.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn unmatched(&self) -> Result<Vec<RefusedEvent>> {
        self.refused_events(rows::UNMATCHED).await
    }

    /// The latest events whose instance had ended, oldest first; 10,000 are kept. What the instance's own commands brought
    /// about is expected, and not among them.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn late(&self) -> Result<Vec<RefusedEvent>> {
        self.refused_events(rows::LATE).await
    }

    async fn refused_events(&self, kind: &str) -> Result<Vec<RefusedEvent>> {
        self.store().await?;
        let mut scan = Scan::of(SPACE, Names::of::<S>()?.prefix(kind));
        let mut events = Vec::new();
        loop {
            let page = self.runtime.state.scan(scan.clone()).await?;
            let Some(last) = page.last() else { return Ok(events) };
            scan.after = Some(last.key.clone());
            for record in &page {
                let row: RefusedRow = rows::read(record)?;
                events.push(RefusedEvent {
                    order_id: OrderId(row.order_id),
                    event_id: row.event_id.into(),
                    event_type: row.event_type.into(),
                    reason: row.reason,
                });
            }
        }
    }

    async fn list(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<ListedSaga>> {
        self.store().await?;
        let names = Names::of::<S>()?;
        let after = after.map(|key| names.row(kind, encode_id(key).as_str()).key);
        let scan = Scan { after, limit, ..Scan::of(SPACE, names.prefix(kind)) };
        let page = self.runtime.state.scan(scan).await?;
        let listed = |record| {
            let row: InstanceRow = rows::read(record)?;
            let time = Timestamp::from_timestamp_micros(row.time).unwrap_or_default();
            Ok(ListedSaga { key: row.key, time })
        };
        page.iter().map(listed).collect()
    }

    async fn marks(&self) -> Result<Vec<Name>> {
        Ledger::new(self.runtime.clone(), Names::of::<S>()?.saga).marks().await
    }

    /// Has the lists in the store brought up to date, where the saga runs on this node.
    async fn store(&self) -> Result<()> {
        let manager =
            self.reaction.as_ref().and_then(|reaction| reaction.as_any().downcast_ref::<Manager<S>>());
        match manager {
            Some(manager) => manager.store().await,
            None => Ok(()),
        }
    }
}

impl<S: Saga> fmt::Debug for SagaInstance<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SagaInstance({} {})", S::NAME, self.key)
    }
}

impl<S: Saga> fmt::Debug for Sagas<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sagas({})", S::NAME)
    }
}

pub(super) fn status(course: &Course) -> SagaStatus {
    match course {
        Course::Running | Course::Ending => SagaStatus::Running,
        Course::Compensating => SagaStatus::Compensating,
        Course::Parked | Course::Over(EndedAs::Parked) => SagaStatus::Parked,
        Course::Over(EndedAs::Ended) => SagaStatus::Ended,
        Course::Over(EndedAs::Compensated) => SagaStatus::Compensated,
    }
}
