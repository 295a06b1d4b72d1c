//! Plays a script on a store and on the model, and compares every outcome and every read.

use std::collections::HashSet;
use std::sync::Arc;

use newton::domain::NewEvent;
use newton::domain::envelope::TOMBSTONE;
use newton::store::{
    Append, Condition, EventStore, EventStoreExt, Load, Position, Read, Selection, StreamAppend, Streams,
};
use newton::{
    CorrelationId, ErrorKind, EventId, ExpectedVersion, Metadata, OrderId, Payload, StreamName, Timestamp,
    Version,
};

use super::naive::{Naive, Verdict};
use super::script::{self, CORRELATIONS, DOMAINS, Expected, STREAMS, Step};

/// Both sides, and what the script has used so far.
struct Run<'a> {
    store: &'a dyn EventStore,
    model: Naive,
    used_ids: Vec<EventId>,
    appends: Vec<Append>,
    correlations: [CorrelationId; CORRELATIONS],
}

pub(crate) async fn compare(store: &dyn EventStore, script: &[Step]) {
    let mut run = Run {
        store,
        model: Naive::default(),
        used_ids: Vec::new(),
        appends: Vec::new(),
        correlations: [CorrelationId::generate(), CorrelationId::generate(), "request-7".into()],
    };
    for step in script {
        run.play(step).await;
    }
    run.read(Read::of(Selection::All).with_system()).await;
}

impl Run<'_> {
    async fn play(&mut self, step: &Step) {
        match step {
            Step::Append(append) => {
                let append = self.concrete_append(append);
                self.appends.push(append.clone());
                self.append(append).await;
            }
            Step::Again(ago) => {
                let index = self.appends.len().checked_sub(ago + 1);
                if let Some(append) = index.map(|index| self.appends[index].clone()) {
                    self.append(append).await;
                }
            }
            Step::Read(read) => self.read(self.concrete_read(read)).await,
            Step::Load { stream, after, limit } => {
                self.load(Load { stream: name(STREAMS[*stream]), after: Version(*after), limit: *limit })
                    .await;
            }
            Step::List { domain, after, limit, system } => {
                let domain = domain.map(|index| name(DOMAINS[index]));
                let after = after.map(|index| name(STREAMS[index]));
                self.list(Streams { domain, after, limit: *limit, system: *system }).await;
            }
            Step::Types(domain) => {
                let domain = name(DOMAINS[*domain]);
                assert_eq!(
                    self.store.event_types(&domain).await.unwrap(),
                    self.model.types(&domain),
                    "{domain}"
                );
            }
        }
    }

    async fn append(&mut self, append: Append) {
        let verdict = self.model.judge(&append);
        let outcome = self.store.append(append.clone()).await;
        match (&verdict, outcome.as_ref().map_err(newton::Error::kind)) {
            (Verdict::Write, Ok(outcome)) if !outcome.duplicate => {
                let order_ids = self.new_order_ids().await;
                let count: usize = append.streams.iter().map(|part| part.events.len()).sum();
                assert_eq!(order_ids.len(), count, "{append:?}");
                assert_eq!(order_ids.last(), Some(&outcome.order_id), "{append:?}");
                assert_eq!(self.model.write(&append, &order_ids), outcome.versions, "{append:?}");
            }
            (Verdict::Duplicate { order_id, versions }, Ok(outcome)) => {
                assert!(outcome.duplicate, "{append:?}");
                assert_eq!((order_id, versions), (&outcome.order_id, &outcome.versions), "{append:?}");
            }
            (Verdict::DuplicateOfParts, Ok(outcome)) if outcome.duplicate => {}
            (Verdict::Deleted, Err(ErrorKind::Deleted)) => {}
            (Verdict::IdReused, Err(ErrorKind::IdReused { id })) => {
                assert!(append.streams.iter().any(|part| part.events.iter().any(|event| event.id == *id)));
            }
            (verdict, Err(ErrorKind::Conflict { stream, expected, actual })) => {
                let (stream, expected, actual) = (stream.clone(), *expected, *actual);
                assert_eq!(*verdict, Verdict::Conflict { stream, expected, actual }, "{append:?}");
            }
            (verdict, Err(ErrorKind::ConditionFailed { found, .. })) => {
                assert_eq!(*verdict, Verdict::ConditionFailed { found: *found }, "{append:?}");
            }
            _ => panic!("the model says {verdict:?}, the store {outcome:?}, to {append:?}"),
        }
        assert_eq!(self.new_order_ids().await, [], "more was written than the model wrote: {append:?}");
        let last = self.model.log.last().map_or(OrderId::START, |event| event.order_id);
        assert_eq!(self.store.head().await.unwrap().current(), last, "the head, after {append:?}");
    }

    /// The order ids of what the store has and the model has not.
    async fn new_order_ids(&self) -> Vec<OrderId> {
        let last = self.model.log.last().map_or(OrderId::START, |event| event.order_id);
        let new = Read::of(Selection::All).with_system().from(Position::OrderId(last.next()));
        self.store.read_all(new).await.unwrap().iter().map(|event| event.order_id).collect()
    }

    async fn read(&self, read: Read) {
        let expected = self.model.read(&read);
        assert_eq!(self.store.read_all(read.clone()).await.unwrap(), expected, "by pages: {read:?}");
        let page = self.store.read(read.clone()).await.unwrap();
        assert!(page.events.len() <= read.limit, "{read:?}");
        assert!(expected.starts_with(&page.events), "a page: {read:?}");
        assert!(page.next.is_some() || page.events.len() == expected.len(), "an early end: {read:?}");
    }

    async fn load(&self, load: Load) {
        let mut expected = self.model.load(&load);
        let slice = self.store.load(load.clone()).await.unwrap();
        let may_be_empty = expected.events.is_empty();
        assert!(slice.events.len() <= load.limit && (may_be_empty || !slice.events.is_empty()), "{load:?}");
        expected.events.truncate(slice.events.len());
        assert_eq!(slice, expected, "{load:?}");
    }

    async fn list(&self, streams: Streams) {
        let mut expected = self.model.list(&streams);
        let page = self.store.streams(streams.clone()).await.unwrap();
        assert!(page.len() <= streams.limit && (expected.is_empty() || !page.is_empty()), "{streams:?}");
        expected.truncate(page.len());
        assert_eq!(page, expected, "{streams:?}");
    }

    fn concrete_append(&mut self, append: &script::Append) -> Append {
        let mut seen = HashSet::new();
        let parts = append.parts.iter().filter(|part| seen.insert(part.stream));
        let streams = parts.map(|part| self.concrete_part(part)).collect();
        let condition = append
            .condition
            .as_ref()
            .map(|(query, place)| Condition { query: query.clone(), after: self.order_id_at(*place) });
        Append { streams, condition, time: at(append.seconds) }
    }

    fn concrete_part(&mut self, part: &script::Part) -> StreamAppend {
        let stream = name(STREAMS[part.stream]);
        let expected = match part.expected {
            Expected::Of(expected) => expected,
            Expected::Present => ExpectedVersion::Exact(self.model.version(&stream)),
        };
        let mut events: Vec<_> = part.events.iter().map(|new| self.concrete_event(new)).collect();
        if part.tombstone {
            events.push(NewEvent::new(TOMBSTONE, Payload::from_encoded("{}")));
        }
        self.used_ids.extend(events.iter().map(|event| event.id.clone()));
        StreamAppend { stream, expected, events }
    }

    fn concrete_event(&self, new: &script::New) -> NewEvent {
        let payload = Payload::from_encoded(format!("{{\"n\":{}}}", self.used_ids.len()));
        let mut event = NewEvent { tags: new.tags.clone(), ..NewEvent::new(new.event_type, payload) };
        let used = new.used_id.and_then(|ago| self.used_ids.len().checked_sub(ago + 1));
        if let Some(index) = new.correlation {
            let correlation_id = Some(self.correlations[index].clone());
            event.metadata = Arc::new(Metadata { correlation_id, ..Metadata::default() });
        }
        if let Some(index) = used {
            event.id = self.used_ids[index].clone();
        }
        event
    }

    fn concrete_read(&self, read: &script::Read) -> Read {
        let selection = match &read.selection {
            script::Selection::Stream(index) => Selection::Stream(name(STREAMS[*index])),
            script::Selection::Domain(index) => Selection::Domain(name(DOMAINS[*index])),
            script::Selection::All => Selection::All,
            script::Selection::Correlation(index) => {
                Selection::Correlation(self.correlations[*index].clone())
            }
            script::Selection::Ids(places) => {
                let known = places.iter().filter_map(|place| self.model.log.get(*place));
                let ids = known.map(|event| event.id.clone());
                Selection::Ids(ids.chain(["an unknown id".into()]).collect())
            }
        };
        let from = read.from.as_ref().map(|from| match (from, &selection) {
            (script::From::Version(version), Selection::Stream(_)) => Position::Version(Version(*version)),
            (script::From::Version(version), _) => Position::OrderId(OrderId(*version)),
            (script::From::Place(place), _) => Position::OrderId(self.order_id_at(*place)),
            (script::From::Seconds(seconds), _) => Position::Time(at(*seconds)),
        });
        let script::Read { query, direction, limit, system, .. } = read.clone();
        Read { selection, query, from, direction, limit, system }
    }

    /// The order id at a place in the log, or one beyond its end.
    fn order_id_at(&self, place: usize) -> OrderId {
        let last = self.model.log.last().map_or(OrderId::START, |event| event.order_id);
        self.model.log.get(place).map_or(last.next(), |event| event.order_id)
    }
}

fn name(text: &str) -> StreamName {
    StreamName::parse(text).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + seconds.unsigned_abs())
}
