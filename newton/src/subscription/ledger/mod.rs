//! Where a named reaction stands: its place in the log and its parked keys, in the state store.
//!
//! - [`Ledger`]: of a reaction: how it is cut into segments, what is parked
//! - [`Book`]: of one segment, for whoever holds its lease: its place, moved on in one write with what is parked
//! - `parked`: listing, retrying and dropping; `change`: other segments, another place; `record`: what is stored

mod book;
mod change;
mod parked;
mod record;
#[cfg(test)]
mod tests;

pub(crate) use book::{Book, Committed, Failure, Park};
pub(crate) use record::Layout;

use std::sync::Arc;

use futures_util::TryStreamExt;

use crate::domain::{Name, OrderId};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Expect, Scan, StateKey, StateRecord, StateStoreExt, StateWrite};
use crate::subscription::segment::{Places, Segment};
use crate::subscription::{Lease, Runtime, Start};
use record::{LAYOUT, MARK, PLACE, ParkedMark, path, put, read};

/// The stored state of a named reaction. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    runtime: Arc<Runtime>,
    name: Name,
}

impl Ledger {
    pub(crate) fn new(runtime: Arc<Runtime>, name: impl Into<Name>) -> Self {
        Self { runtime, name: name.into() }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// The name of the lease under which a segment is worked on. A reaction that is not cut has one of its own name.
    pub(crate) fn lease_name(&self, segment: Segment) -> Name {
        match segment.index() {
            0 => self.name.clone(),
            index => Name::from(format!("{}#{index}", self.name)),
        }
    }

    /// The name of the lease under which the cut is changed.
    pub(crate) fn change_lease_name(&self) -> Name {
        Name::from(format!("{}#change", self.name))
    }

    /// Waits until this node alone may retry or drop what is parked.
    pub(crate) async fn lock_parked(&self) -> Result<Lease> {
        self.runtime.node.acquire(&Name::from(format!("{}#parked", self.name))).await
    }

    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// Stores where the reaction begins and how it is cut, unless that is stored: to be called before an app's start
    /// returns, so that what is appended after it is delivered. It needs no lease, for only the first can write.
    pub(crate) async fn register(&self, start: Start, segments: u32) -> Result<()> {
        if self.stored(&self.layout_key()).await?.is_some() {
            return Ok(());
        }
        let place = match start {
            Start::Origin => OrderId::START,
            Start::Now => self.runtime.events.head().await?.current(),
        };
        let segments = segments.clamp(1, Segment::MOST);
        let layout = Layout { segments, wanted: None, replay_after: None };
        let mut batch = vec![put(self.layout_key(), Expect::Absent, &layout)?];
        for segment in Segment::all(segments) {
            batch.push(self.put_places(segment, &Places::of(segment, place))?);
        }
        match self.runtime.state.write(batch).await {
            // Another node was faster.
            Err(error) if matches!(error.kind(), ErrorKind::StateConflict { .. }) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// How the reaction is cut.
    pub(crate) async fn layout(&self) -> Result<Layout> {
        self.layout_record().await.map(|(layout, _)| layout)
    }

    /// What the holder of a segment's lease works with.
    pub(crate) async fn open(&self, segment: Segment) -> Result<Book> {
        let places = self.places(segment).await?;
        let marks = self.marks().await?;
        Ok(Book::new(self.clone(), segment, places, marks))
    }

    async fn layout_record(&self) -> Result<(Layout, StateRecord)> {
        let record = self.stored(&self.layout_key()).await?.ok_or_else(|| self.missing("layout"))?;
        Ok((read(&LAYOUT, &record)?, record))
    }

    /// How far a segment has come.
    pub(crate) async fn position(&self, segment: Segment) -> Result<OrderId> {
        self.places(segment).await.map(|places| places.position())
    }

    async fn places(&self, segment: Segment) -> Result<Places> {
        let record = self.stored(&self.place_key(segment)).await?.ok_or_else(|| self.missing("place"))?;
        read(&PLACE, &record)
    }

    /// The keys that are parked.
    pub(crate) async fn marks(&self) -> Result<Vec<Name>> {
        let scan = Scan::of(MARK, path(&[&self.name]));
        let records = self.runtime.state.records(scan);
        let keys = records.and_then(|record| async move {
            read::<ParkedMark>(&MARK, &record).map(|mark| Name::from(mark.key))
        });
        keys.try_collect().await
    }

    async fn stored(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        self.runtime.state.get(key).await
    }

    fn put_places(&self, segment: Segment, places: &Places) -> Result<StateWrite> {
        put(self.place_key(segment), Expect::Any, places)
    }

    fn layout_key(&self) -> StateKey {
        StateKey::new(LAYOUT, path(&[&self.name]))
    }

    fn place_key(&self, segment: Segment) -> StateKey {
        StateKey::new(PLACE, format!("{}{:04}", path(&[&self.name]), segment.index()))
    }

    fn mark_key(&self, key: &str) -> StateKey {
        StateKey::new(MARK, path(&[&self.name, key]))
    }

    fn missing(&self, what: &str) -> Error {
        let message = format!("the {what} of `{}` is not stored; register it first", self.name);
        Error::new(ErrorKind::NotFound, "read ledger", message)
    }
}
