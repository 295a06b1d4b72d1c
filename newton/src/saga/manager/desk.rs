//! What the loop works with, and the steps it is made of.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::index::{Index, slot_of};
use super::session::Session;
use super::timers::WINDOW;
use super::work::{Behind, Worked, key_of};
use crate::domain::{AggregateId, EventId, Filter, Name, OrderId, Query, RecordedEvent, Tag};
use crate::error::{Error, ErrorKind, Result};
use crate::saga::Saga;
use crate::saga::names::{Names, SPACE};
use crate::saga::record::{Interest, Record};
use crate::saga::rows::{self, IndexRow, ListenRow, TimerRow};
use crate::saga::step::Input;
use crate::store::{EventStoreExt, Position, Read, Scan, Selection, StateStoreExt};
use crate::subscription::{Batch, Book, Committed, Failure, Lease, Park};

/// So many instances are worked on side by side.
const SIDE_BY_SIDE: usize = 256;

/// So many rows are written at once.
const WRITES: usize = 2_000;

/// What the loop works with while it has the lease.
pub(super) struct Desk<S> {
    pub(super) session: Arc<Session<S>>,
    pub(super) lease: Lease,
    pub(super) book: Book,
    pub(super) index: Index,
    /// The events up to here were routed.
    pub(super) passed: OrderId,
    /// What is to be set aside; the input where it may turn out that it need not wait.
    parks: Vec<(Park, Option<Input>)>,
    /// Why nothing more is to be done for now.
    pause: Option<Error>,
}

/// The triggers of each instance, in order.
pub(super) type Groups = HashMap<AggregateId, VecDeque<Input>>;

impl<S: Saga> Desk<S> {
    /// What is stored.
    pub(super) async fn open(session: Arc<Session<S>>, lease: Lease, book: Book) -> Result<Self> {
        let state = session.runtime.state.clone();
        let stored = state.get(&session.names.row(rows::INDEX, "0")).await?;
        let row: IndexRow = stored.as_ref().map(rows::read).transpose()?.unwrap_or_default();
        let mut index = Index::new(session.names.clone(), row);
        let mut listeners = std::pin::pin!(state.records(session.scan(rows::LISTEN)));
        while let Some(record) = listeners.try_next().await? {
            let row: ListenRow = rows::read(&record)?;
            index.listen(&AggregateId::parse(row.instance)?, &row.tag, OrderId(row.since));
        }
        let prefix = session.names.prefix(rows::OPEN);
        let mut open = std::pin::pin!(state.records(session.scan(rows::OPEN)));
        while let Some(record) = open.try_next().await? {
            let id = AggregateId::parse(record.key.strip_prefix(&*prefix).unwrap_or_default())?;
            session.works(&id);
            index.stored_as_open(id);
        }
        let passed = book.position();
        let mut desk = Self { session, lease, book, index, passed, parks: Vec::new(), pause: None };
        desk.refill_timers().await?;
        Ok(desk)
    }

    /// Routes a page of events to their instances.
    pub(super) async fn route(&mut self, batch: Batch) -> Result<()> {
        let mut groups = Groups::new();
        for event in &batch.events {
            let mut ids: HashSet<AggregateId> = self.index.listeners(&event.tags).cloned().collect();
            ids.extend(key_of::<S>(event).map(Names::id));
            if ids.is_empty() {
                self.index.refused(event, Some("it has no key tag, and nobody listens to its tags"))?;
            }
            for id in ids {
                groups.entry(id).or_default().push_back(Input::Event(event.clone()));
            }
        }
        self.round(groups, &batch.events, batch.through).await?;
        if self.pause.is_none() {
            self.passed = self.passed.max(batch.through);
            self.index.counted(self.passed);
        }
        self.settle_parks().await
    }

    /// Takes triggers to their instances, side by side. What cannot be taken in is to be set aside.
    pub(super) async fn round(
        &mut self,
        mut groups: Groups,
        page: &[Arc<RecordedEvent>],
        passed: OrderId,
    ) -> Result<()> {
        let parked: Vec<_> = groups.keys().filter(|id| self.book.is_parked(id.as_str())).cloned().collect();
        for id in parked {
            let waiting = groups.remove(&id).unwrap_or_default();
            self.set_aside(&id, waiting, None).await?;
        }
        let (session, behind) =
            (self.session.clone(), Behind { page, passed, records: self.index.position(), dropped: false });
        let works = stream::iter(groups).map(|(id, inputs)| {
            let session = &session;
            async move {
                let cell = session.cell(&id);
                session.work(&cell, inputs, behind).await.map(|worked| (id, worked))
            }
        });
        let worked: Vec<_> = works.buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
        let taken: HashSet<OrderId> = worked.iter().flat_map(|(_, worked)| &worked.taken).copied().collect();
        let mut refused = Vec::new();
        for (id, worked) in worked {
            refused.extend(worked.refused.iter().map(|(event, reason)| (event.clone(), *reason)));
            self.note(&id, worked).await?;
        }
        refused.sort_by_key(|(event, _)| event.order_id);
        refused.dedup_by_key(|(event, _)| event.order_id);
        for (event, reason) in refused.into_iter().filter(|(event, _)| !taken.contains(&event.order_id)) {
            self.index.refused(&event, reason)?;
        }
        Ok(())
    }

    async fn note(&mut self, id: &AggregateId, worked: Worked) -> Result<()> {
        for (interest, since) in worked.listens {
            self.index.listen(id, &interest, since);
        }
        if worked.has_moved {
            self.session.flood.store(0, Relaxed);
        }
        let Some(cause) = worked.fault else { return Ok(()) };
        if self.session.flood.fetch_add(1, Relaxed) >= self.session.most_in_row {
            let message =
                "one instance after the other fails: something else than their triggers must be wrong";
            let error = Error::new(ErrorKind::Unavailable, "run saga", message).with("last failure", cause);
            self.pause = Some(error);
            return Ok(());
        }
        self.set_aside(id, worked.rest, Some(cause)).await
    }

    /// Sets triggers aside: the first has failed where there is a cause, the others wait.
    pub(super) async fn set_aside(
        &mut self,
        id: &AggregateId,
        inputs: VecDeque<Input>,
        mut cause: Option<String>,
    ) -> Result<()> {
        for input in inputs {
            let failure = cause.take().map(|cause| Failure { cause, attempts: 1 });
            // Deadlines and failures follow from the instance: they come again by themselves.
            if failure.is_none() && !matches!(input, Input::Event(_)) {
                continue;
            }
            let Some((order_id, event_id)) = self.session.place_of(id, &input).await? else { continue };
            let park = Park { key: Name::from(id.as_str()), order_id, event_id, failure };
            if let Some(failure) = &park.failure {
                tracing::warn!(saga = %self.session.names.saga, instance = %id, cause = %failure.cause, "parked");
                self.session.monitor.failed(failure.cause.clone());
            }
            self.parks.push((park, Some(input)));
        }
        Ok(())
    }

    /// Sets an instance aside, for a reason that lies in a record of its own.
    pub(super) async fn stop(
        &mut self,
        id: &AggregateId,
        record: &RecordedEvent,
        cause: String,
    ) -> Result<()> {
        let key = Name::from(id.as_str());
        let failure = Some(Failure { cause, attempts: 1 });
        let park = Park { key, order_id: record.order_id, event_id: record.id.clone(), failure };
        self.parks.push((park, None));
        self.settle_parks().await
    }

    /// Writes what is to be set aside, with the place.
    ///
    /// # Errors
    /// Those of the store, and where so much fails that the saga has to pause.
    pub(super) async fn settle_parks(&mut self) -> Result<()> {
        while !self.parks.is_empty() {
            let parks: Vec<Park> = self.parks.iter().map(|(park, _)| park.clone()).collect();
            self.store_index().await?;
            match self.book.commit(&self.lease, self.passed, &parks).await? {
                Committed::Done => {
                    self.parks.clear();
                    self.session.monitor.parked_keys(self.book.parked_keys());
                }
                Committed::Freed(names) => {
                    let mut groups = Groups::new();
                    for (park, input) in self.parks.extract_if(.., |(park, _)| names.contains(&park.key)) {
                        groups.entry(AggregateId::parse(&*park.key)?).or_default().extend(input);
                    }
                    self.round(groups, &[], self.passed).await?;
                }
            }
        }
        self.pause.take().map_or(Ok(()), Err)
    }

    /// Takes in records of the domain stream.
    pub(super) async fn read_records(&mut self, batch: Batch) -> Result<()> {
        for event in &batch.events {
            // One that cannot be read concerns its own instance, and parks it as soon as it is to move.
            let Ok(record) = Record::decode(event) else { continue };
            let id = Names::id_of(&event.stream)?;
            self.session.mark_stored(&id, event.version);
            let applied = self.index.apply(event, &record)?;
            for (interest, since) in applied.news {
                self.read_again(&id, &interest, since).await?;
            }
            if let Some(reason) = applied.standstill {
                self.stand_still(&id, event, reason).await?;
            }
            if applied.moves {
                self.session.wake_for(&id, event.version);
            }
        }
        self.index.passed(batch.through);
        Ok(())
    }

    /// Takes events to an instance that were routed before it was known to listen to them.
    async fn read_again(&mut self, id: &AggregateId, interest: &Interest, since: OrderId) -> Result<()> {
        let events = self.session.tagged(interest, since, self.passed).await?;
        let inputs: VecDeque<_> = events.into_iter().map(Input::Event).collect();
        if !inputs.is_empty() {
            self.round(Groups::from([(id.clone(), inputs)]), &[], self.passed).await?;
            self.settle_parks().await?;
        }
        Ok(())
    }

    /// Fires the timers that are due.
    pub(super) async fn fire(&mut self) -> Result<()> {
        let due = self.index.timers.due(self.session.runtime.clock.now(), Read::PAGE);
        let (mut groups, mut fired) = (Groups::new(), Vec::new());
        for (slot, row) in due {
            if self.book.is_parked(slot.1.as_str()) {
                self.index.timers.hold(slot, row);
                continue;
            }
            let set_by = EventId::from(row.set_by.as_str());
            let input = Input::Deadline { name: row.name.clone(), set_by };
            groups.entry(slot.1.clone()).or_default().push_back(input);
            fired.push((slot, row));
        }
        self.round(groups, &[], self.passed).await?;
        for (slot, row) in fired {
            if self.parks.iter().any(|(park, _)| *park.key == *slot.1.as_str()) {
                self.index.timers.hold(slot, row);
            } else {
                // Its record says so too, unless it was out of date.
                self.index.delete_timer(&slot);
            }
        }
        self.settle_parks().await?;
        if self.index.timers.is_used_up() {
            self.store_index().await?;
            self.refill_timers().await?;
        }
        Ok(())
    }

    async fn refill_timers(&mut self) -> Result<()> {
        let scan = Scan { limit: WINDOW, ..self.session.scan(rows::TIMER) };
        let page = self.session.runtime.state.scan(scan).await?;
        let (prefix, is_last) = (self.session.names.prefix(rows::TIMER), page.len() < WINDOW);
        let mut timers = Vec::with_capacity(page.len());
        for record in &page {
            let row: TimerRow = rows::read(record)?;
            timers.extend(slot_of(&prefix, &record.key, &row).map(|slot| (slot, row)));
        }
        self.index.timers.refill(timers, is_last);
        Ok(())
    }

    /// Stores all that is known, so that the next to run this saga begins from here.
    pub(super) async fn store(&mut self) -> Result<()> {
        self.store_index().await?;
        if self.book.position() < self.passed {
            // Without anything to set aside nothing can have been freed.
            let _ = self.book.commit(&self.lease, self.passed, &[]).await?;
        }
        Ok(())
    }

    async fn store_index(&mut self) -> Result<()> {
        let working = self.session.working();
        if !self.index.is_behind() && self.index.is_open(&working) {
            return Ok(());
        }
        let mut writes = self.index.take_changes(&working)?;
        // The place is the last: rows that are written twice are no harm, a place without its rows would be.
        while !writes.is_empty() {
            let rest = writes.split_off(writes.len().min(WRITES));
            self.lease.write(writes).await?;
            writes = rest;
        }
        Ok(())
    }

    /// What everybody may rely on.
    pub(super) fn report(&self) {
        self.session.monitor.advance(self.passed.min(self.index.position()));
    }
}

impl<S: Saga> Session<S> {
    fn scan(&self, kind: &str) -> Scan {
        Scan::of(SPACE, self.names.prefix(kind))
    }

    /// The events with a tag behind one place and up to another.
    pub(super) async fn tagged(
        &self,
        interest: &Interest,
        since: OrderId,
        through: OrderId,
    ) -> Result<Vec<Arc<RecordedEvent>>> {
        if since >= through {
            return Ok(Vec::new());
        }
        let types = S::event_types().iter().map(|event| Name::from_static(event.name)).collect();
        let tags = vec![Tag::new(interest.key.as_str(), interest.value.as_str())];
        let query = Query::from(Filter { types, tags });
        let read = Read::of(Selection::All).matching(query).from(Position::OrderId(since.next()));
        let events = self.runtime.events.events(read);
        let events = events.try_take_while(|event| std::future::ready(Ok(event.order_id <= through)));
        events.map_ok(Arc::new).try_collect().await
    }

    /// The event that stands for a trigger where it is set aside.
    async fn place_of(&self, id: &AggregateId, input: &Input) -> Result<Option<(OrderId, EventId)>> {
        let event_id = match input {
            Input::Event(event) => return Ok(Some((event.order_id, event.id.clone()))),
            Input::Deadline { set_by, .. } => set_by.clone(),
            Input::Failed { .. } => {
                let cell = self.cell(id);
                let mut slot = cell.slot.lock().await;
                match &self.load(&cell, &mut slot).await?.0.failed {
                    Some(failure) => failure.origin.event.clone(),
                    None => return Ok(None),
                }
            }
        };
        let events = self.runtime.events.read_all(Read::of(Selection::Ids(vec![event_id]))).await?;
        Ok(events.first().map(|event| (event.order_id, event.id.clone())))
    }
}
