//! What is known of all instances without loading them, as a fold over their domain stream.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;

use super::timers::{Slot, Timers};
use crate::domain::{AggregateId, Name, OrderId, RecordedEvent, Tag};
use crate::error::Result;
use crate::saga::names::Names;
use crate::saga::record::{Advanced, Ended, EndedAs, Interest, Record, TimerRecord, TriggerKind};
use crate::saga::rows::{self, IndexRow, InstanceRow, ListenRow, RefusedRow, TimerRow};
use crate::store::{Expect, StateKey, StateWrite};

/// So many unmatched and late events are kept for the list; all are counted.
const LISTED: u64 = 10_000;

/// The index, and what of it is not stored yet.
#[derive(Debug)]
pub(super) struct Index {
    names: Names,
    row: IndexRow,
    stored: IndexRow,
    listeners: HashMap<Interest, HashMap<AggregateId, OrderId>>,
    interests: HashMap<AggregateId, Vec<Interest>>,
    pub(super) timers: Timers,
    /// The instances that are stored as having something to do.
    open: HashSet<AggregateId>,
    changed: BTreeMap<Name, Option<Bytes>>,
}

/// What a record is about, for whoever applies it.
pub(super) struct Applied {
    /// The tags that were not known to be listened to, each from behind a place.
    pub(super) news: Vec<(Interest, OrderId)>,
    /// Whether the instance may have something to do.
    pub(super) moves: bool,
    /// Why it stands still, where a compensation failed.
    pub(super) standstill: Option<String>,
}

impl Index {
    pub(super) fn new(names: Names, row: IndexRow) -> Self {
        Self {
            names,
            row,
            stored: row,
            listeners: HashMap::new(),
            interests: HashMap::new(),
            timers: Timers::default(),
            open: HashSet::new(),
            changed: BTreeMap::new(),
        }
    }

    /// The records up to here are in it.
    pub(super) fn position(&self) -> OrderId {
        OrderId(self.row.records)
    }

    /// Notes that all records up to here are in it.
    pub(super) fn passed(&mut self, through: OrderId) {
        self.row.records = self.row.records.max(through.0);
    }

    /// Folds a record of the domain stream.
    pub(super) fn apply(&mut self, event: &RecordedEvent, record: &Record) -> Result<Applied> {
        let id = Names::id_of(&event.stream)?;
        let mut applied = Applied { news: Vec::new(), moves: true, standstill: None };
        match record {
            Record::Advanced(record) => {
                self.advanced(&id, event, record, &mut applied)?;
                applied.moves = record.trigger.kind == TriggerKind::CommandFailed
                    || !record.commands.is_empty()
                    || record.end;
            }
            Record::Outcome(_) => {}
            Record::Ended(ended) => {
                applied.moves = false;
                if ended.status == EndedAs::Parked {
                    applied.standstill = Some(ended.reason.clone().unwrap_or_default());
                }
                self.ended(&id, event, ended)?;
            }
        }
        Ok(applied)
    }

    fn advanced(
        &mut self,
        id: &AggregateId,
        event: &RecordedEvent,
        record: &Advanced,
        applied: &mut Applied,
    ) -> Result<()> {
        if let Some(key) = record.key.as_ref().filter(|_| record.start) {
            let row = InstanceRow { key: key.clone(), time: event.time.timestamp_micros() };
            self.put(rows::RUNNING, id.as_str(), &row)?;
        }
        for timer in &record.timers_gone {
            let slot = slot(id, timer);
            self.timers.remove(&slot);
            self.delete_timer(&slot);
        }
        for timer in &record.timers_set {
            let slot = slot(id, timer);
            let row =
                TimerRow { instance: id.to_string(), name: timer.name.clone(), set_by: event.id.to_string() };
            self.put(rows::TIMER, &timer_key(&slot), &row)?;
            self.timers.set(slot, row);
        }
        for interest in &record.listens {
            let since = OrderId(record.trigger.order_id);
            if self.listen(id, interest, since) {
                applied.news.push((interest.clone(), since));
            }
            let row = ListenRow { instance: id.to_string(), tag: interest.clone(), since: since.0 };
            self.put(rows::LISTEN, &listen_key(id, interest), &row)?;
        }
        Ok(())
    }

    fn ended(&mut self, id: &AggregateId, event: &RecordedEvent, ended: &Ended) -> Result<()> {
        for interest in self.interests.remove(id).unwrap_or_default() {
            if let Some(listeners) = self.listeners.get_mut(&interest) {
                listeners.remove(id);
                if listeners.is_empty() {
                    self.listeners.remove(&interest);
                }
            }
            self.delete(rows::LISTEN, &listen_key(id, &interest));
        }
        let list = match ended.status {
            EndedAs::Ended => rows::ENDED,
            EndedAs::Compensated => rows::COMPENSATED,
            EndedAs::Parked => return Ok(()),
        };
        self.delete(rows::RUNNING, id.as_str());
        let row = InstanceRow { key: ended.key.clone(), time: event.time.timestamp_micros() };
        self.put(list, id.as_str(), &row)
    }

    /// Adds a listener; says whether it was not known.
    pub(super) fn listen(&mut self, id: &AggregateId, interest: &Interest, since: OrderId) -> bool {
        let listeners = self.listeners.entry(interest.clone()).or_default();
        let is_new = !listeners.contains_key(id);
        if is_new {
            listeners.insert(id.clone(), since);
            self.interests.entry(id.clone()).or_default().push(interest.clone());
        }
        is_new
    }

    /// The instances that listen to one of these tags.
    pub(super) fn listeners<'a>(&'a self, tags: &'a [Tag]) -> impl Iterator<Item = &'a AggregateId> {
        let tags = if self.listeners.is_empty() { &[] } else { tags };
        let listeners = tags.iter().filter_map(|tag| {
            let interest = Interest { key: tag.key.to_string(), value: tag.value.to_string() };
            self.listeners.get(&interest)
        });
        listeners.flat_map(HashMap::keys)
    }

    /// Notes an event that no instance took in, unless it was counted before.
    pub(super) fn refused(&mut self, event: &RecordedEvent, reason: Option<&str>) -> Result<()> {
        if event.order_id.0 <= self.row.counted {
            return Ok(());
        }
        let (kind, count) = match reason {
            Some(_) => (rows::UNMATCHED, &mut self.row.unmatched),
            None => (rows::LATE, &mut self.row.late),
        };
        *count += 1;
        let number = *count;
        let row = RefusedRow {
            order_id: event.order_id.0,
            event_id: event.id.to_string(),
            event_type: event.event_type.to_string(),
            reason: reason.unwrap_or("the instance has ended").to_owned(),
        };
        if number > LISTED {
            self.delete(kind, &number_key(number - LISTED));
        }
        self.put(kind, &number_key(number), &row)
    }

    /// Notes that the events up to here are counted.
    pub(super) fn counted(&mut self, through: OrderId) {
        self.row.counted = self.row.counted.max(through.0);
    }

    pub(super) fn delete_timer(&mut self, slot: &Slot) {
        self.delete(rows::TIMER, &timer_key(slot));
    }

    /// Takes in an instance that is stored as having something to do.
    pub(super) fn stored_as_open(&mut self, id: AggregateId) {
        self.open.insert(id);
    }

    /// Whether these are stored as the ones that have something to do.
    pub(super) fn is_open(&self, working: &HashSet<AggregateId>) -> bool {
        self.open == *working
    }

    /// How many rows are to be stored.
    pub(super) fn changes(&self) -> usize {
        self.changed.len()
    }

    /// Whether there is anything to store.
    pub(super) fn is_behind(&self) -> bool {
        !self.changed.is_empty() || self.row != self.stored
    }

    /// What is to be written; those that have something to do are given. The place comes last.
    pub(super) fn take_changes(&mut self, working: &HashSet<AggregateId>) -> Result<Vec<StateWrite>> {
        let gone: Vec<_> = self.open.difference(working).cloned().collect();
        let come: Vec<_> = working.difference(&self.open).cloned().collect();
        for id in &gone {
            self.delete(rows::OPEN, id.as_str());
        }
        for id in &come {
            self.put(rows::OPEN, id.as_str(), &())?;
        }
        self.open.clone_from(working);
        let write = |key: Name, value| StateWrite {
            key: StateKey { space: crate::saga::names::SPACE, key },
            expect: Expect::Any,
            value,
        };
        let mut writes: Vec<_> =
            std::mem::take(&mut self.changed).into_iter().map(|(key, value)| write(key, value)).collect();
        let place = self.names.row(rows::INDEX, "0");
        writes.push(write(place.key, Some(rows::write(&self.row)?)));
        self.stored = self.row;
        Ok(writes)
    }

    fn put(&mut self, kind: &str, rest: &str, row: &impl serde::Serialize) -> Result<()> {
        self.changed.insert(self.names.row(kind, rest).key, Some(rows::write(row)?));
        Ok(())
    }

    fn delete(&mut self, kind: &str, rest: &str) {
        self.changed.insert(self.names.row(kind, rest).key, None);
    }
}

fn slot(id: &AggregateId, timer: &TimerRecord) -> Slot {
    (timer.due, id.clone(), timer.name.clone())
}

/// Sorts by time, also before 1970.
fn timer_key((due, id, name): &Slot) -> String {
    let due = due.cast_unsigned() ^ (1 << 63);
    format!("{due:020}/{id}/{}", Names::id(name))
}

/// The slot of a stored timer.
pub(super) fn slot_of(prefix: &str, key: &str, row: &TimerRow) -> Option<Slot> {
    let due: u64 = key.strip_prefix(prefix)?.split('/').next()?.parse().ok()?;
    let due = (due ^ (1 << 63)).cast_signed();
    Some((due, AggregateId::parse(row.instance.as_str()).ok()?, row.name.clone()))
}

fn listen_key(id: &AggregateId, Interest { key, value }: &Interest) -> String {
    format!("{id}/{}/{}", Names::id(key), Names::id(value))
}

fn number_key(number: u64) -> String {
    format!("{number:020}")
}
