//! The events in commit order, and the one place where they are appended.
//!
//! An append is checked from the first rule to the last before anything changes, so that it is whole or not at all:
//! ids, tombstones, expected versions, condition.

use std::collections::HashSet;
use std::ops::Bound;

use chrono::SubsecRound;
use lru::DefaultHasher;

use super::correlations::Correlations;
use super::index::Index;
use crate::domain::{
    EventId, FoldEvent, Name, NewEvent, OrderId, RecordedEvent, StreamName, Timestamp, Version,
};
use crate::error::{Error, Result};
use crate::store::{Append, Appended, Condition, Load, Slice, StreamAppend, StreamInfo, Streams};

const APPEND: &str = "append";

/// The most events or names one page gives, so that a lock is never held for long.
pub(super) const MAX_PAGE: usize = 4_096;

/// The events in commit order: the one with order id `n` is at `n - 1`.
#[derive(Default)]
pub(super) struct Log {
    pub(super) events: Vec<RecordedEvent>,
    pub(super) index: Index,
    pub(super) correlations: Correlations,
}

impl Log {
    pub(super) fn head(&self) -> OrderId {
        OrderId(self.events.len() as u64)
    }

    /// The event at an order id that the index gave.
    pub(super) fn at(&self, place: OrderId) -> &RecordedEvent {
        &self.events[slot(place)]
    }

    pub(super) fn append(&mut self, append: Append) -> Result<Appended> {
        if let Some(first_outcome) = self.known(&append)? {
            return Ok(first_outcome);
        }
        self.check_streams(&append.streams)?;
        if let Some(condition) = &append.condition {
            self.check_condition(condition)?;
        }
        let time = self.time_not_before_the_last(append.time);
        let versions = append.streams.into_iter().map(|stream| self.record_all(stream, time)).collect();
        Ok(Appended { order_id: self.head(), versions, time, duplicate: false })
    }

    pub(super) fn load(&self, load: &Load) -> Slice {
        let Some(stream) = self.index.stream(&load.stream) else {
            return Slice { events: Vec::new(), version: Version::EMPTY, deleted: false };
        };
        let live = stream.places.len() - usize::from(stream.deleted);
        let after = usize::try_from(load.after.0).map_or(live, |after| after.min(live));
        let events = stream.places[after..live]
            .iter()
            .take(load.limit.min(MAX_PAGE))
            .map(|place| FoldEvent::from(self.at(*place)))
            .collect();
        Slice { events, version: Version(live as u64), deleted: stream.deleted }
    }

    pub(super) fn streams(&self, streams: &Streams) -> Vec<StreamInfo> {
        let start = streams.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let domain = streams.domain.as_ref().map(StreamName::as_str);
        self.index
            .names()
            .range::<StreamName, _>((start, Bound::Unbounded))
            .filter(|name| streams.system || !name.is_system())
            .filter(|name| domain.is_none() || name.domain() == domain)
            .take(streams.limit.min(MAX_PAGE))
            .filter_map(|name| {
                let stream = self.index.stream(name)?;
                Some(StreamInfo { name: name.clone(), version: stream.version(), deleted: stream.deleted })
            })
            .collect()
    }

    pub(super) fn event_types(&self, domain: &StreamName) -> Vec<Name> {
        self.index.domain_types(domain)
    }

    /// The outcome of the same append when it came first; `None` where all its ids are new.
    fn known(&self, append: &Append) -> Result<Option<Appended>> {
        let mut seen = HashSet::with_hasher(DefaultHasher::default());
        let mut taken: Option<&EventId> = None;
        let mut unknown = false;
        let mut outcome =
            Appended { order_id: OrderId::START, versions: Vec::new(), time: append.time, duplicate: true };
        for StreamAppend { stream, events, .. } in &append.streams {
            for event in events {
                match self.index.id(&event.id) {
                    _ if !seen.insert(&event.id) => return Err(reused(&event.id)),
                    Some(place) if self.at(place).stream != *stream => return Err(reused(&event.id)),
                    Some(place) => {
                        taken = taken.or(Some(&event.id));
                        outcome.order_id = outcome.order_id.max(place);
                        outcome.time = self.at(place).time;
                    }
                    None => unknown = true,
                }
            }
            let last = events.last().and_then(|event| self.index.id(&event.id));
            outcome.versions.extend(last.map(|place| self.at(place).version));
        }
        match taken {
            None => Ok(None),
            Some(id) if unknown => Err(reused(id)),
            Some(_) => Ok(Some(outcome)),
        }
    }

    fn check_streams(&self, appends: &[StreamAppend]) -> Result<()> {
        for StreamAppend { stream, .. } in appends {
            if self.index.stream(stream).is_some_and(|stream| stream.deleted) {
                return Err(Error::deleted(APPEND, stream));
            }
        }
        for StreamAppend { stream, expected, .. } in appends {
            let actual = self.index.version(stream);
            if !expected.accepts(actual) {
                return Err(Error::conflict(APPEND, stream.clone(), *expected, actual));
            }
        }
        Ok(())
    }

    fn check_condition(&self, condition: &Condition) -> Result<()> {
        match self.first_match(&condition.query, condition.after) {
            Some(found) => Err(Error::condition_failed(APPEND, condition.after, found)),
            None => Ok(()),
        }
    }

    fn time_not_before_the_last(&self, time: Timestamp) -> Timestamp {
        let time = time.trunc_subsecs(6);
        self.events.last().map_or(time, |last| last.time.max(time))
    }

    fn record_all(&mut self, append: StreamAppend, time: Timestamp) -> Version {
        for event in append.events {
            self.record(append.stream.clone(), event, time);
        }
        self.index.version(&append.stream)
    }

    fn record(&mut self, stream: StreamName, event: NewEvent, time: Timestamp) {
        let version = self.index.version(&stream).next();
        let NewEvent { id, event_type, schema, payload, tags, metadata } = event;
        let order_id = self.head().next();
        let event = RecordedEvent {
            id,
            stream,
            version,
            order_id,
            time,
            event_type,
            schema,
            payload,
            tags,
            metadata,
        };
        self.index.add(&event);
        self.events.push(event);
    }
}

/// Where the event with this order id is. Order ids come from this log, so that they fit.
pub(super) fn slot(place: OrderId) -> usize {
    usize::try_from(place.0 - 1).unwrap_or(usize::MAX)
}

fn reused(id: &EventId) -> Error {
    Error::id_reused(APPEND, id.clone())
}
