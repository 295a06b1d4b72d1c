//! Which events of a segment are handled: its place moves up to the first that is not.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::{Name, OrderId, RecordedEvent, Timestamp};
use crate::subscription::{Failure, Park};

/// The events above a segment's stored place, in order, and what came of each.
#[derive(Debug)]
pub(super) struct Tracker {
    entries: VecDeque<Entry>,
    /// So many of them, from the first, are not open.
    settled: usize,
    /// How many events of a key are to be parked.
    parking: HashMap<Name, usize>,
    /// Everything up to here was read.
    read: OrderId,
}

#[derive(Debug)]
struct Entry {
    key: Name,
    event: Arc<RecordedEvent>,
    fate: Fate,
}

#[derive(Debug)]
enum Fate {
    Open,
    Handled,
    /// To be parked, with its own failure or behind that of another event of its key.
    Parked(Option<Failure>),
}

impl Tracker {
    pub(super) fn new(position: OrderId) -> Self {
        Self { entries: VecDeque::new(), settled: 0, parking: HashMap::new(), read: position }
    }

    /// How many events it holds.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds an event, above all others.
    pub(super) fn push(&mut self, key: Name, event: Arc<RecordedEvent>) {
        self.entries.push_back(Entry { key, event, fate: Fate::Open });
    }

    /// Notes how far was read.
    pub(super) fn read(&mut self, through: OrderId) {
        self.read = self.read.max(through);
    }

    pub(super) fn handled(&mut self, order_id: OrderId) {
        self.set(order_id, Fate::Handled);
    }

    pub(super) fn parked(&mut self, order_id: OrderId, failure: Option<Failure>) {
        self.set(order_id, Fate::Parked(failure));
    }

    /// Whether an event of this key is to be parked and not stored as such yet.
    pub(super) fn parks(&self, key: &Name) -> bool {
        self.parking.contains_key(key)
    }

    /// Whether any event is to be parked and not stored as such yet.
    pub(super) fn parks_any(&self) -> bool {
        !self.parking.is_empty()
    }

    /// Everything at or below was handled, or is to be parked, or does not concern the segment.
    pub(super) fn through(&self) -> OrderId {
        match self.first_open() {
            Some(entry) => OrderId(entry.event.order_id.0.saturating_sub(1)),
            None => self.read,
        }
    }

    /// The recorded time of the first event that is neither handled nor to be parked.
    pub(super) fn open_since(&self) -> Option<Timestamp> {
        self.first_open().map(|entry| entry.event.time)
    }

    /// The last event that is handled.
    pub(super) fn last_handled(&self) -> Option<OrderId> {
        let handled = |entry: &&Entry| matches!(entry.fate, Fate::Handled);
        self.entries.iter().rev().find(handled).map(|entry| entry.event.order_id)
    }

    /// What has to be parked before the place moves up to `through`.
    pub(super) fn parks_through(&self, through: OrderId) -> Vec<Park> {
        let passed = self.entries.iter().take_while(|entry| entry.event.order_id <= through);
        let park = |entry: &Entry| match &entry.fate {
            Fate::Parked(failure) => Some(Park {
                key: entry.key.clone(),
                order_id: entry.event.order_id,
                event_id: entry.event.id.clone(),
                failure: failure.clone(),
            }),
            Fate::Open | Fate::Handled => None,
        };
        passed.filter_map(park).collect()
    }

    /// How many events the place can move over.
    pub(super) fn settled(&self) -> usize {
        self.settled
    }

    /// Forgets what the stored place has passed.
    pub(super) fn forget(&mut self, through: OrderId) {
        while self.entries.front().is_some_and(|entry| entry.event.order_id <= through) {
            if let Some(entry) = self.entries.pop_front() {
                self.settled = self.settled.saturating_sub(1);
                self.no_longer_parks(&entry);
            }
        }
    }

    /// Opens the events again that were to wait behind keys which are parked no more, and gives them in order.
    pub(super) fn reopen(&mut self, freed: &[Name]) -> Vec<(Name, Arc<RecordedEvent>)> {
        let waits = |entry: &&mut Entry| freed.contains(&entry.key) && matches!(entry.fate, Fate::Parked(_));
        let reopened = self.entries.iter_mut().filter(waits).map(|entry| {
            entry.fate = Fate::Open;
            (entry.key.clone(), entry.event.clone())
        });
        let reopened = reopened.collect();
        self.parking.retain(|key, _| !freed.contains(key));
        self.settled = 0;
        self.settle();
        reopened
    }

    fn first_open(&self) -> Option<&Entry> {
        self.entries.get(self.settled)
    }

    fn set(&mut self, order_id: OrderId, fate: Fate) {
        let found = self.entries.binary_search_by_key(&order_id, |entry| entry.event.order_id);
        let Some(entry) = found.ok().and_then(|index| self.entries.get_mut(index)) else { return };
        if matches!(fate, Fate::Parked(_)) {
            *self.parking.entry(entry.key.clone()).or_default() += 1;
        }
        entry.fate = fate;
        self.settle();
    }

    fn settle(&mut self) {
        while self.first_open().is_some_and(|entry| !matches!(entry.fate, Fate::Open)) {
            self.settled += 1;
        }
    }

    fn no_longer_parks(&mut self, entry: &Entry) {
        if !matches!(entry.fate, Fate::Parked(_)) {
            return;
        }
        if let Some(count) = self.parking.get_mut(&entry.key) {
            *count -= 1;
            if *count == 0 {
                self.parking.remove(&entry.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::tests::event;

    fn tracker(events: &[(&'static str, u64)], read: u64) -> Tracker {
        let mut tracker = Tracker::new(OrderId(0));
        for (key, order_id) in events {
            tracker.push(Name::from_static(key), Arc::new(event(key, *order_id)));
        }
        tracker.read(OrderId(read));
        tracker
    }

    fn failed() -> Failure {
        Failure { cause: "no".to_owned(), attempts: 1 }
    }

    #[test]
    fn a_place_moves_up_to_the_first_gap() {
        let mut tracker = tracker(&[("a", 3), ("b", 5), ("c", 8)], 10);
        assert_eq!(tracker.through(), OrderId(2));
        tracker.handled(OrderId(5));
        assert_eq!((tracker.through(), tracker.settled()), (OrderId(2), 0));
        tracker.handled(OrderId(3));
        assert_eq!((tracker.through(), tracker.settled()), (OrderId(7), 2));
        tracker.forget(OrderId(7));
        assert_eq!(tracker.len(), 1);
        tracker.handled(OrderId(8));
        assert_eq!(tracker.through(), OrderId(10));
    }

    #[test]
    fn what_is_parked_goes_with_the_place_that_passes_it() {
        let mut tracker = tracker(&[("a", 1), ("b", 2), ("b", 3)], 3);
        tracker.parked(OrderId(2), Some(failed()));
        tracker.parked(OrderId(3), None);
        assert!(tracker.parks(&Name::from("b")) && !tracker.parks(&Name::from("a")));
        assert!(tracker.parks_through(tracker.through()).is_empty(), "1 is open");
        tracker.handled(OrderId(1));
        let parks = tracker.parks_through(tracker.through());
        let parks: Vec<_> = parks.iter().map(|park| (park.order_id.0, park.failure.is_some())).collect();
        assert_eq!(parks, [(2, true), (3, false)]);
    }

    #[test]
    fn what_waited_behind_a_freed_key_is_open_again() {
        let mut tracker = tracker(&[("a", 1), ("b", 2), ("a", 3)], 3);
        for order_id in [1, 2, 3] {
            tracker.parked(OrderId(order_id), None);
        }
        let open = tracker.reopen(&[Name::from("a")]);
        assert_eq!(open.iter().map(|(_, event)| event.order_id.0).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(tracker.through(), OrderId(0));
    }
}
