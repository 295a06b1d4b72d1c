//! Whether a store kept what it had promised, and what it had acknowledged.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use newton::RecordedEvent;
use newton::store::sqlite::{SqliteOptions, SqliteStore};
use newton::store::{EventStoreExt, Read, Selection, StateKey, StateStore};
use newton_tests::acknowledged::{Acknowledged, Part};
use newton_tests::workload::{SPACE, number, size_of};

/// What a store did not keep.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Acknowledgements that are not there any more, where the log ends before them.
    pub(crate) lost: Vec<String>,
    /// Promises that do not even hold for what is there.
    pub(crate) broken: Vec<String>,
    /// The events that are there.
    pub(crate) events: usize,
}

impl Findings {
    /// Insists that nothing is lost or broken.
    pub(crate) fn insist(&self, when: &str) {
        assert!(
            self.lost.is_empty() && self.broken.is_empty(),
            "{when}: {} lost, {} broken, first {:?} {:?}",
            self.lost.len(),
            self.broken.len(),
            self.lost.first(),
            self.broken.first()
        );
    }
}

/// What the store holds.
struct Log<'e> {
    head: u64,
    by_id: HashMap<String, &'e RecordedEvent>,
}

/// Opens a file, checks it and closes it.
pub(crate) async fn check_file(file: &Path, acknowledged: &[Acknowledged]) -> Findings {
    let store = SqliteStore::open(file, SqliteOptions::default()).expect("the store opens after the crash");
    check(&store, acknowledged).await
}

/// Checks a store.
pub(crate) async fn check(store: &SqliteStore, acknowledged: &[Acknowledged]) -> Findings {
    let events = store.read_all(Read::of(Selection::All).with_system()).await.expect("the store reads");
    let mut findings = Findings { events: events.len(), ..Findings::default() };
    findings.broken.extend(store.verify().await.expect("the store verifies").problems);
    findings.check_order(&events);
    findings.check_whole(&events);
    let log = Log {
        head: events.last().map_or(0, |event| event.order_id.0),
        by_id: events.iter().map(|event| (event.id.to_string(), event)).collect(),
    };
    let mut values = HashMap::new();
    for acknowledgement in acknowledged {
        match acknowledgement {
            Acknowledged::Appended { order_id, parts } => findings.check_append(&log, *order_id, parts),
            Acknowledged::Written { keys, value } => {
                values.insert(keys, *value);
            }
        }
    }
    for (keys, value) in values {
        findings.check_state(store, keys, value).await;
    }
    findings
}

impl Findings {
    /// Versions without gaps, order ids that rise, times that do not fall.
    fn check_order(&mut self, events: &[RecordedEvent]) {
        let mut versions = HashMap::new();
        for event in events {
            let version = versions.entry(&event.stream).or_insert(0);
            *version += 1;
            if event.version.0 != *version {
                self.broken.push(format!("{} has {} where {version} is due", event.stream, event.version));
            }
        }
        for pair in events.windows(2) {
            if pair[1].order_id <= pair[0].order_id || pair[1].time < pair[0].time {
                self.broken.push(format!("order or time falls at {}", pair[1].order_id));
            }
        }
    }

    /// All events of an append or none.
    fn check_whole(&mut self, events: &[RecordedEvent]) {
        let mut appends: HashMap<_, usize> = HashMap::new();
        for event in events {
            *appends.entry(event.metadata.command_id.as_ref()).or_default() += 1;
        }
        for (id, count) in appends {
            if id.and_then(size_of) != Some(count) {
                self.broken.push(format!("{count} events are there of the append {id:?}"));
            }
        }
    }

    fn check_append(&mut self, log: &Log<'_>, order_id: u64, parts: &[Part]) {
        let mut last_order_id = 0;
        for part in parts {
            let found: Vec<_> = part.ids.iter().filter_map(|id| log.by_id.get(id)).collect();
            if found.len() < part.ids.len() {
                let missing = format!("{} of {part:?} at {order_id}", part.ids.len() - found.len());
                // What comes before the end of the log cannot be lost alone.
                let list = if order_id > log.head { &mut self.lost } else { &mut self.broken };
                list.push(missing);
                return;
            }
            let version = found.last().map(|event| event.version.0);
            let elsewhere = found.iter().any(|event| event.stream.as_str() != part.stream);
            if elsewhere || (part.version.is_some() && part.version != version) {
                self.broken.push(format!("{part:?} is at version {version:?}"));
            }
            last_order_id = found.iter().fold(last_order_id, |last, event| last.max(event.order_id.0));
        }
        if last_order_id != order_id {
            self.broken.push(format!("{parts:?} is at {last_order_id}, not {order_id}"));
        }
    }

    /// The last acknowledged value of a batch, or a later one; the same under every key.
    async fn check_state(&mut self, store: &SqliteStore, keys: &[String], value: u64) {
        let mut stored = HashSet::new();
        for key in keys {
            let record = store.get(&StateKey::new(SPACE, key.as_str())).await.expect("the store reads");
            stored.insert(record.and_then(|record| number(&record.value)).unwrap_or(0));
        }
        if stored.len() != 1 {
            self.broken.push(format!("the batch {keys:?} is half there: {stored:?}"));
        }
        if stored.iter().any(|stored| *stored < value) {
            self.lost.push(format!("{keys:?} = {value}, there is {stored:?}"));
        }
    }
}
