//! The timers that are due next, in memory; the rest stays in the state store.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{AggregateId, Timestamp};
use crate::saga::rows::TimerRow;

/// So many timers are read at once, and twice as many are held at most.
pub(super) const WINDOW: usize = 4_096;

/// Where a timer stands: by the time it is due, then by instance and name.
pub(super) type Slot = (i64, AggregateId, String);

/// The timers that are due next.
#[derive(Debug, Default)]
pub(super) struct Timers {
    near: BTreeMap<Slot, TimerRow>,
    /// All timers that are due before this are in memory; `None` where all are.
    horizon: Option<i64>,
    /// Those that ran out while their instance was parked.
    held: HashMap<AggregateId, Vec<(Slot, TimerRow)>>,
}

impl Timers {
    /// Takes in a timer that was set.
    pub(super) fn set(&mut self, slot: Slot, row: TimerRow) {
        if self.horizon.is_none_or(|horizon| slot.0 < horizon) {
            self.near.insert(slot, row);
        }
        if self.near.len() > 2 * WINDOW {
            let beyond = self.near.keys().nth(WINDOW).map(|slot| slot.0);
            if let Some(beyond) =
                beyond.filter(|beyond| self.near.keys().next().is_some_and(|first| first.0 < *beyond))
            {
                self.near.retain(|slot, _| slot.0 < beyond);
                self.horizon = Some(beyond);
            }
        }
    }

    pub(super) fn remove(&mut self, slot: &Slot) {
        self.near.remove(slot);
    }

    /// Takes in a page of stored timers, sorted; `is_last` where no more follow.
    pub(super) fn refill(&mut self, page: Vec<(Slot, TimerRow)>, is_last: bool) {
        self.horizon = if is_last { None } else { page.last().map(|(slot, _)| slot.0) };
        let within = |slot: &Slot| self.horizon.is_none_or(|horizon| slot.0 < horizon);
        let page: Vec<_> = page.into_iter().filter(|(slot, _)| within(slot)).collect();
        self.near.extend(page);
    }

    /// Whether stored timers have to be read before the next one is known.
    pub(super) fn is_used_up(&self) -> bool {
        self.near.is_empty() && self.horizon.is_some()
    }

    /// When the next one is due, as far as it is in memory.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let (due, ..) = self.near.keys().next()?;
        Some(Timestamp::from_timestamp_micros(*due).unwrap_or(Timestamp::MAX_UTC))
    }

    /// Takes out timers that are due.
    pub(super) fn due(&mut self, now: Timestamp, most: usize) -> Vec<(Slot, TimerRow)> {
        let now = now.timestamp_micros();
        let mut due = Vec::new();
        while due.len() < most && self.near.first_key_value().is_some_and(|(slot, _)| slot.0 <= now) {
            due.extend(self.near.pop_first());
        }
        due
    }

    /// Keeps a timer that ran out until its instance is parked no more.
    pub(super) fn hold(&mut self, slot: Slot, row: TimerRow) {
        self.held.entry(slot.1.clone()).or_default().push((slot, row));
    }

    /// Lets the timers of an instance run out.
    pub(super) fn release(&mut self, id: &AggregateId) {
        self.near.extend(self.held.remove(id).unwrap_or_default());
    }
}
