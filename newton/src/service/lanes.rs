//! Events waiting to be handled: in order inside a key, keys side by side.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::{Name, OrderId, RecordedEvent};

/// An event on its way through a handler.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) event: Arc<RecordedEvent>,
    /// How often it was tried.
    pub(super) attempts: u32,
}

/// The events of each key, oldest first. The first of a key is ready, or under way, or waits to be tried again.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_key: HashMap<Name, VecDeque<Job>>,
    ready: VecDeque<Name>,
}

impl Lanes {
    /// Adds an event behind those of its key.
    pub(super) fn push(&mut self, key: &Name, event: Arc<RecordedEvent>) {
        let job = Job { event, attempts: 0 };
        match self.by_key.get_mut(key) {
            Some(lane) => lane.push_back(job),
            None => {
                self.by_key.insert(key.clone(), VecDeque::from([job]));
                self.ready.push_back(key.clone());
            }
        }
    }

    /// The next event that may be tried; it is under way then.
    pub(super) fn start(&mut self) -> Option<(Name, Job)> {
        self.start_below(OrderId(u64::MAX))
    }

    /// The next event before a place that may be tried; it is under way then.
    pub(super) fn start_below(&mut self, place: OrderId) -> Option<(Name, Job)> {
        let first = |key: &Name| self.by_key.get(key).and_then(VecDeque::front);
        let is_below = |key: &Name| first(key).is_some_and(|job| job.event.order_id < place);
        let key = self.ready.iter().position(is_below).and_then(|index| self.ready.remove(index))?;
        let job = self.by_key.get_mut(&key)?.front_mut()?;
        job.attempts += 1;
        let job = job.clone();
        Some((key, job))
    }

    /// The first event of a key is ready to be tried again, before all others.
    pub(super) fn again(&mut self, key: Name) {
        self.ready.push_front(key);
    }

    /// The last attempt does not count: it failed for a reason outside the event.
    pub(super) fn forget_attempt(&mut self, key: &Name) {
        if let Some(job) = self.by_key.get_mut(key).and_then(VecDeque::front_mut) {
            job.attempts = job.attempts.saturating_sub(1);
        }
    }

    /// The first event of a key is handled; the next one becomes ready.
    pub(super) fn finish(&mut self, key: &Name) {
        let Some(lane) = self.by_key.get_mut(key) else { return };
        lane.pop_front();
        if lane.is_empty() {
            self.by_key.remove(key);
        } else {
            self.ready.push_back(key.clone());
        }
    }

    /// Takes out a key whose first event, which was under way, is to be set aside, with all that wait behind it.
    pub(super) fn take(&mut self, key: &Name) -> Vec<Job> {
        self.by_key.remove(key).map(Vec::from).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::tests::event;

    fn started(lanes: &mut Lanes) -> Vec<(String, u64, u32)> {
        std::iter::from_fn(|| lanes.start())
            .map(|(key, job)| (key.to_string(), job.event.order_id.0, job.attempts))
            .collect()
    }

    fn lanes(events: &[(&'static str, u64)]) -> Lanes {
        let mut lanes = Lanes::default();
        for (key, order_id) in events {
            lanes.push(&Name::from_static(key), Arc::new(event(key, *order_id)));
        }
        lanes
    }

    #[test]
    fn one_event_of_each_key_is_under_way() {
        let mut lanes = lanes(&[("a", 1), ("a", 2), ("b", 3)]);
        assert_eq!(started(&mut lanes), [("a".into(), 1, 1), ("b".into(), 3, 1)]);
        lanes.finish(&Name::from("b"));
        assert!(started(&mut lanes).is_empty());
        lanes.finish(&Name::from("a"));
        assert_eq!(started(&mut lanes), [("a".into(), 2, 1)]);
    }

    #[test]
    fn what_is_tried_again_comes_first_and_counts_its_attempts() {
        let mut lanes = lanes(&[("a", 1), ("b", 2)]);
        assert_eq!(lanes.start().unwrap().1.attempts, 1);
        lanes.again(Name::from("a"));
        assert_eq!(started(&mut lanes), [("a".into(), 1, 2), ("b".into(), 2, 1)]);
        lanes.forget_attempt(&Name::from("b"));
        lanes.again(Name::from("b"));
        assert_eq!(started(&mut lanes), [("b".into(), 2, 1)]);
    }

    #[test]
    fn only_what_lies_below_a_place_is_started() {
        let mut lanes = lanes(&[("a", 5), ("b", 2), ("b", 7)]);
        assert_eq!(lanes.start_below(OrderId(5)).unwrap().1.event.order_id, OrderId(2));
        lanes.finish(&Name::from("b"));
        assert!(lanes.start_below(OrderId(5)).is_none());
        assert_eq!(started(&mut lanes).len(), 2);
    }

    #[test]
    fn a_key_is_taken_out_whole() {
        let mut lanes = lanes(&[("a", 1), ("b", 2), ("a", 3)]);
        assert_eq!(started(&mut lanes).len(), 2);
        let taken: Vec<_> = lanes.take(&Name::from("a")).iter().map(|job| job.event.order_id.0).collect();
        assert_eq!(taken, [1, 3]);
        lanes.push(&Name::from("a"), Arc::new(event("a", 4)));
        assert_eq!(started(&mut lanes), [("a".into(), 4, 1)]);
    }
}
