//! The works on a large store, beside the same on an almost empty one.

use bench_harness::work::{Traffic, Work};

use super::{Bound, COMMANDS, EVENTS_OF_100, Entry, IMPORT, NEWTON, On, UNCACHED, Unit, execute};

/// The events of each account of the large store.
pub(crate) const BIG_EVENTS_EACH: u64 = 10;

/// The accounts that have traffic where it is narrow.
const FEW: u64 = 1_000;

/// The works on a store of so many events.
pub(crate) fn big(events: u64) -> Vec<Entry> {
    let single = |traffic| execute(1, traffic);
    let crowd = |traffic| execute(64, traffic);
    let mut entries = Vec::new();
    entries.extend(touching(
        events,
        ["w1-empty", "w1-few", "w1-many"],
        "W1: one client",
        single,
        COMMANDS,
        NEWTON,
    ));
    entries.extend(touching(
        events,
        ["w2-empty", "w2-few", "w2-many"],
        "W2: 64 clients",
        crowd,
        COMMANDS,
        NEWTON,
    ));
    entries.extend(importing(events));
    let load = |traffic| Work::LoadExisting { traffic };
    let title = "W4: load an account";
    entries.extend(touching(events, ["w4-empty", "w4-few", "w4-many"], title, load, Unit::Millis, UNCACHED));
    let opening = Entry::new("open", "Opening the large store", Work::Open, Unit::Millis, &[NEWTON]);
    entries.push(opening.on(On::Big).target(NEWTON, Bound::Millis(1_000.0)));
    entries
}

/// A work on a few accounts of an almost empty store, on as many of the large one, and on all of the large one.
fn touching(
    events: u64,
    [empty_key, few_key, many_key]: [&'static str; 3],
    title: &str,
    work: impl Fn(Traffic) -> Work,
    unit: Unit,
    who: &'static str,
) -> [Entry; 3] {
    let many = events / BIG_EVENTS_EACH;
    let few = FEW.min(many);
    let entry = |key, accounts, prepare: Option<u64>, raw| {
        let stored = if prepare.is_some() { "almost nothing".to_owned() } else { format!("{events} events") };
        let title = format!("{title}, {stored} stored, traffic over {accounts} accounts");
        Entry::new(key, &title, work(Traffic::Existing { accounts, prepare }), unit, &[who, raw])
    };
    [
        entry(empty_key, few, Some(BIG_EVENTS_EACH), "raw"),
        entry(few_key, few, None, "raw").on(On::Big).target(who, Bound::Rate(0.85, who, Some(empty_key))),
        entry(many_key, many, None, "raw, loaded")
            .on(On::Big)
            .target(who, Bound::Rate(0.8, "raw, loaded", None))
            .target(who, Bound::Resident(300)),
    ]
}

/// Whole histories for new accounts.
fn importing(events: u64) -> [Entry; 2] {
    let entry = |key, stored: &str| {
        let title = format!("W3: 100 events in one command, {stored} stored");
        Entry::new(key, &title, execute(1, IMPORT), EVENTS_OF_100, &[NEWTON, "raw"])
    };
    [
        entry("w3-empty", "almost nothing"),
        entry("w3-big", &format!("{events} events"))
            .on(On::Big)
            .target(NEWTON, Bound::Rate(0.85, NEWTON, Some("w3-empty")))
            .target(NEWTON, Bound::Rate(0.8, "raw", None)),
    ]
}
