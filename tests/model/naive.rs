//! A store so simple that it is right at first sight: one list, searched from end to end.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use newton::domain::envelope::TOMBSTONE;
use newton::domain::{FoldEvent, Name, Query};
use newton::store::{Append, Direction, Load, Position, Read, Selection, Slice, StreamInfo, Streams};
use newton::{EventId, ExpectedVersion, OrderId, RecordedEvent, StreamName, Version};

/// Everything that was ever written, in order. Order ids are those the store gave.
#[derive(Default)]
pub(crate) struct Naive {
    pub(crate) log: Vec<RecordedEvent>,
    appends: Vec<(Shape, Vec<Version>, OrderId)>,
}

/// Which ids an append has for which stream.
type Shape = Vec<(StreamName, Vec<EventId>)>;

/// What the model says an append must come to.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Write,
    Duplicate {
        order_id: OrderId,
        versions: Vec<Version>,
    },
    /// Every id is known in its stream, but not from one and the same append.
    DuplicateOfParts,
    IdReused,
    Deleted,
    Conflict {
        stream: StreamName,
        expected: ExpectedVersion,
        actual: Version,
    },
    ConditionFailed {
        found: OrderId,
    },
}

impl Naive {
    pub(crate) fn judge(&self, append: &Append) -> Verdict {
        if let Some(verdict) = self.judge_ids(append) {
            return verdict;
        }
        if append.streams.iter().any(|part| self.is_deleted(&part.stream)) {
            return Verdict::Deleted;
        }
        for part in &append.streams {
            let actual = self.version(&part.stream);
            let holds = match part.expected {
                ExpectedVersion::Any => true,
                ExpectedVersion::NoStream => actual.0 == 0,
                ExpectedVersion::Exists => actual.0 != 0,
                ExpectedVersion::Exact(version) => version == actual,
            };
            if !holds {
                return Verdict::Conflict { stream: part.stream.clone(), expected: part.expected, actual };
            }
        }
        let condition = append.condition.as_ref();
        let found = condition.and_then(|condition| {
            self.log.iter().find(|event| event.order_id > condition.after && fits(event, &condition.query))
        });
        found.map_or(Verdict::Write, |event| Verdict::ConditionFailed { found: event.order_id })
    }

    fn judge_ids(&self, append: &Append) -> Option<Verdict> {
        let shape = shape(append);
        let asked: Vec<_> =
            shape.iter().flat_map(|(stream, ids)| ids.iter().map(move |id| (stream, id))).collect();
        let distinct: HashSet<_> = asked.iter().map(|(_, id)| *id).collect();
        let place = |id: &EventId| self.log.iter().find(|event| event.id == *id);
        let known = asked.iter().filter(|(_, id)| place(id).is_some()).count();
        let in_place =
            asked.iter().filter(|(stream, id)| place(id).is_some_and(|event| event.stream == **stream));
        if distinct.len() < asked.len() {
            return Some(Verdict::IdReused);
        }
        if known == 0 {
            return None;
        }
        if known < asked.len() || in_place.count() < asked.len() {
            return Some(Verdict::IdReused);
        }
        let first = self.appends.iter().find(|(earlier, ..)| *earlier == shape);
        Some(first.map_or(Verdict::DuplicateOfParts, |(_, versions, order_id)| Verdict::Duplicate {
            order_id: *order_id,
            versions: versions.clone(),
        }))
    }

    /// Writes what was judged so, under the order ids that the store gave.
    pub(crate) fn write(&mut self, append: &Append, order_ids: &[OrderId]) -> Vec<Version> {
        let time = self.log.last().map_or(append.time, |last| last.time.max(append.time));
        let mut order_ids = order_ids.iter();
        for part in &append.streams {
            for new in part.events.clone() {
                let version = Version(self.version(&part.stream).0 + 1);
                self.log.push(RecordedEvent {
                    id: new.id,
                    stream: part.stream.clone(),
                    version,
                    order_id: *order_ids.next().expect("one order id for each event"),
                    time,
                    event_type: new.event_type,
                    schema: new.schema,
                    payload: new.payload,
                    tags: new.tags,
                    metadata: new.metadata,
                });
            }
        }
        let versions: Vec<_> = append.streams.iter().map(|part| self.version(&part.stream)).collect();
        self.appends.push((shape(append), versions.clone(), self.log.last().expect("just written").order_id));
        versions
    }

    /// Everything a read covers, as if it had no limit.
    pub(crate) fn read(&self, read: &Read) -> Vec<RecordedEvent> {
        let mut found: Vec<_> = self
            .log
            .iter()
            .filter(|event| selected(event, read) && fits(event, &read.query))
            .cloned()
            .collect();
        if read.direction == Direction::Backward {
            found.reverse();
        }
        found.retain(|event| begins(event, read));
        found
    }

    pub(crate) fn load(&self, load: &Load) -> Slice {
        let events: Vec<_> = self.of(&load.stream).filter(|event| event.event_type != TOMBSTONE).collect();
        Slice {
            version: Version(events.len() as u64),
            deleted: self.is_deleted(&load.stream),
            events: events
                .into_iter()
                .filter(|event| event.version > load.after)
                .map(FoldEvent::from)
                .collect(),
        }
    }

    /// Everything a listing covers, as if it had no limit.
    pub(crate) fn list(&self, streams: &Streams) -> Vec<StreamInfo> {
        let names: BTreeMap<_, _> =
            self.log.iter().map(|event| (event.stream.as_str(), &event.stream)).collect();
        names
            .into_values()
            .filter(|name| streams.system || !name.as_str().starts_with('$'))
            .filter(|name| streams.domain.as_ref().is_none_or(|domain| is_in(name, domain)))
            .filter(|name| streams.after.as_ref().is_none_or(|after| name.as_str() > after.as_str()))
            .map(|name| StreamInfo {
                name: name.clone(),
                version: self.version(name),
                deleted: self.is_deleted(name),
            })
            .collect()
    }

    pub(crate) fn types(&self, domain: &StreamName) -> Vec<Name> {
        let types: BTreeSet<_> = self
            .log
            .iter()
            .filter(|event| is_in(&event.stream, domain))
            .map(|event| event.event_type.clone())
            .collect();
        types.into_iter().collect()
    }

    pub(crate) fn version(&self, stream: &StreamName) -> Version {
        Version(self.of(stream).count() as u64)
    }

    fn is_deleted(&self, stream: &StreamName) -> bool {
        self.of(stream).any(|event| event.event_type == TOMBSTONE)
    }

    fn of(&self, stream: &StreamName) -> impl Iterator<Item = &RecordedEvent> {
        self.log.iter().filter(move |event| event.stream == *stream)
    }
}

fn shape(append: &Append) -> Shape {
    let ids = |events: &[newton::domain::NewEvent]| events.iter().map(|event| event.id.clone()).collect();
    append.streams.iter().map(|part| (part.stream.clone(), ids(&part.events))).collect()
}

fn is_in(stream: &StreamName, domain: &StreamName) -> bool {
    let rest = stream.as_str().strip_prefix(domain.as_str()).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|id| !id.contains('/'))
}

fn selected(event: &RecordedEvent, read: &Read) -> bool {
    match &read.selection {
        Selection::Stream(stream) => event.stream == *stream,
        Selection::Domain(domain) => is_in(&event.stream, domain),
        Selection::All => read.system || !event.stream.as_str().starts_with('$'),
        Selection::Ids(ids) => ids.contains(&event.id),
        Selection::Correlation(id) => event.metadata.correlation_id.as_ref() == Some(id),
    }
}

fn begins(event: &RecordedEvent, read: &Read) -> bool {
    let order = match read.from {
        None => return true,
        Some(Position::Version(version)) => event.version.cmp(&version),
        Some(Position::OrderId(order_id)) => event.order_id.cmp(&order_id),
        Some(Position::Time(time)) => event.time.cmp(&time),
    };
    if read.direction == Direction::Forward { order.is_ge() } else { order.is_le() }
}

fn fits(event: &RecordedEvent, query: &Query) -> bool {
    let fits_filter = |filter: &newton::domain::Filter| {
        let type_fits = filter.types.is_empty() || filter.types.contains(&event.event_type);
        type_fits && filter.tags.iter().all(|wanted| event.tags.iter().any(|tag| tag == wanted))
    };
    query.any.is_empty() || query.any.iter().any(fits_filter)
}
