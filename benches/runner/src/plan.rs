//! The works, who takes part in each, and what Newton is to reach.

mod big;

use bench_harness::work::{Traffic, Work};

pub(crate) use self::big::{BIG_EVENTS_EACH, big};

/// The contestants that are other people's frameworks.
pub(crate) const PEERS: [&str; 4] = ["cqrs-es", "evento", "mire", "cqrs-es, memory"];
const NEWTON: &str = "newton";
const UNCACHED: &str = "newton, no cache";

/// One work, and so one table.
pub(crate) struct Entry {
    pub(crate) key: &'static str,
    pub(crate) title: String,
    pub(crate) work: Work,
    pub(crate) on: On,
    pub(crate) unit: Unit,
    pub(crate) contestants: Vec<&'static str>,
    pub(crate) targets: Vec<Target>,
}

/// On which data.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum On {
    /// A new file for each contestant and round.
    Fresh,
    /// The large file, which all share.
    Big,
    /// No file.
    Memory,
}

/// In which unit a table is printed.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// So many of a thing a second; each count stands for so many of it.
    PerSecond(&'static str, f64),
    /// Milliseconds for each.
    Millis,
}

/// What Newton is to reach.
pub(crate) struct Target {
    pub(crate) who: &'static str,
    pub(crate) bound: Bound,
}

/// The bound of a target.
pub(crate) enum Bound {
    /// At least this part of another's rate, in this work or in the one with the given key.
    Rate(f64, &'static str, Option<&'static str>),
    /// At most this multiple of another's time, likewise.
    Time(f64, &'static str, Option<&'static str>),
    /// At most so many milliseconds.
    Millis(f64),
    /// At most so many MiB of resident memory.
    Resident(u64),
    /// No command given up.
    NoneExhausted,
}

impl Entry {
    fn new(key: &'static str, title: &str, work: Work, unit: Unit, contestants: &[&'static str]) -> Self {
        let (title, contestants) = (title.to_owned(), contestants.to_vec());
        Self { key, title, work, on: On::Fresh, unit, contestants, targets: Vec::new() }
    }

    fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    fn target(mut self, who: &'static str, bound: Bound) -> Self {
        self.targets.push(Target { who, bound });
        self
    }
}

fn execute(clients: usize, traffic: Traffic) -> Work {
    Work::Execute { clients, traffic }
}

const COMMANDS: Unit = Unit::PerSecond("commands", 1.0);
const EVENTS_OF_100: Unit = Unit::PerSecond("events", 100.0);
const LIFE: Traffic = Traffic::Fresh { events: 20 };
const IMPORT: Traffic = Traffic::Import { events: 100 };
const NEWTON_MEMORY: &str = "newton, memory";
const MEMORY_UNCACHED: &str = "newton, memory, no cache";
const SNAPSHOTS: &str = "newton, snapshots";
const EVERYBODY: [&str; 9] =
    [NEWTON, UNCACHED, "raw", "raw, loaded", "skinny", "skinny, loaded", "cqrs-es", "evento", "mire"];
const LOADERS: [&str; 6] = [UNCACHED, "raw", "skinny", "cqrs-es", "evento", "mire"];

/// The works on new files and in memory.
pub(crate) fn all() -> Vec<Entry> {
    let memory = [NEWTON_MEMORY, "cqrs-es, memory"];
    let against_memory = || Bound::Rate(1.0, "cqrs-es, memory", None);
    vec![
        Entry::new("w1", "W1: one client, load, decide, append", execute(1, LIFE), COMMANDS, &EVERYBODY)
            .target(NEWTON, Bound::Rate(0.85, "raw", None)),
        Entry::new("w2", "W2: 64 clients, distinct aggregates", execute(64, LIFE), COMMANDS, &EVERYBODY)
            .target(NEWTON, Bound::Rate(0.7, "raw", None))
            .target(NEWTON, Bound::Rate(0.35, "skinny", None))
            .target(NEWTON, Bound::Rate(15.0, "cqrs-es", None)),
        Entry::new(
            "w2k",
            "W2: 1,024 clients, distinct aggregates",
            execute(1_024, LIFE),
            COMMANDS,
            &[NEWTON, UNCACHED, "raw", "raw, loaded", "skinny"],
        )
        .target(NEWTON, Bound::Rate(0.5, "raw", None)),
        Entry::new("w7", "W7: 64 clients, one aggregate", execute(64, Traffic::One), COMMANDS, &EVERYBODY)
            .target(NEWTON, Bound::NoneExhausted)
            .target(NEWTON, Bound::Rate(0.5, NEWTON, Some("w2"))),
        Entry::new(
            "w3",
            "W3: 100 events in one command",
            execute(1, IMPORT),
            EVENTS_OF_100,
            &[NEWTON, "raw", "skinny", "cqrs-es", "evento", "mire"],
        )
        .target(NEWTON, Bound::Rate(0.85, "raw", None))
        .target(NEWTON, Bound::Rate(0.3, "skinny", None)),
        Entry::new(
            "w4",
            "W4: load a stream of 1,000 events",
            Work::Load { events: 1_000 },
            Unit::Millis,
            &LOADERS,
        )
        .target(UNCACHED, Bound::Time(1.25, "raw", None)),
        Entry::new(
            "w4s-10",
            "W4: with snapshots, 10 events",
            Work::Load { events: 10 },
            Unit::Millis,
            &[SNAPSHOTS],
        ),
        Entry::new(
            "w4s",
            "W4: with snapshots, 10,000 events",
            Work::Load { events: 10_000 },
            Unit::Millis,
            &[SNAPSHOTS],
        )
        .target(SNAPSHOTS, Bound::Time(2.0, SNAPSHOTS, Some("w4s-10"))),
        Entry::new("m1", "In memory: W1", execute(1, LIFE), COMMANDS, &memory)
            .on(On::Memory)
            .target(NEWTON_MEMORY, against_memory()),
        Entry::new("m2", "In memory: W2, 64 clients", execute(64, LIFE), COMMANDS, &memory)
            .on(On::Memory)
            .target(NEWTON_MEMORY, against_memory()),
        Entry::new("m3", "In memory: W3", execute(1, IMPORT), EVENTS_OF_100, &memory)
            .on(On::Memory)
            .target(NEWTON_MEMORY, against_memory()),
        Entry::new(
            "m4",
            "In memory: W4, 1,000 events",
            Work::Load { events: 1_000 },
            Unit::Millis,
            &[MEMORY_UNCACHED, "cqrs-es, memory"],
        )
        .on(On::Memory)
        .target(MEMORY_UNCACHED, against_memory()),
    ]
}
