//! The events that were appended lately, within bounds.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::{OrderId, RecordedEvent};

/// How much of what was appended lately is kept for those who follow.
///
/// A follower that is further behind reads from the store until it is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// The most events.
    pub events: usize,
    /// The most payload bytes; a single larger event is kept all the same.
    pub bytes: usize,
}

impl Default for Recent {
    /// 8,192 events or 16 MiB.
    fn default() -> Self {
        Self { events: 8_192, bytes: 16 * 1024 * 1024 }
    }
}

/// Every event of the log above `floor` up to `position`, in order.
#[derive(Debug)]
pub(super) struct Ring {
    events: VecDeque<Arc<RecordedEvent>>,
    bytes: usize,
    most: Recent,
    floor: OrderId,
    position: OrderId,
}

impl Ring {
    pub(super) fn new(most: Recent) -> Self {
        let (floor, position) = (OrderId::START, OrderId::START);
        Self { events: VecDeque::new(), bytes: 0, most, floor, position }
    }

    /// Everything at or below was published.
    pub(super) fn position(&self) -> OrderId {
        self.position
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Begins anew, with nothing at hand, behind `position`.
    pub(super) fn restart(&mut self, position: OrderId) {
        *self = Self { floor: position, position, ..Self::new(self.most) };
    }

    /// Whether the next events after `position` would be too many to be kept.
    pub(super) fn is_far_below(&self, position: OrderId) -> bool {
        position.0.saturating_sub(self.position.0) > self.most.events as u64
    }

    /// Adds what the log holds above the position up to `through`, and lets go of the oldest.
    pub(super) fn push(&mut self, events: &[Arc<RecordedEvent>], through: OrderId) {
        for event in events {
            self.bytes += event.payload.len();
            self.events.push_back(event.clone());
        }
        self.position = self.position.max(through);
        while self.events.len() > 1 && self.is_over() {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= oldest.payload.len();
            self.floor = oldest.order_id;
        }
    }

    fn is_over(&self) -> bool {
        self.events.len() > self.most.events || self.bytes > self.most.bytes
    }

    /// The events above `after`; `None` where some of them are not at hand any more.
    pub(super) fn above(&self, after: OrderId) -> Option<impl Iterator<Item = &Arc<RecordedEvent>>> {
        if after < self.floor {
            return None;
        }
        let start = self.events.partition_point(|event| event.order_id <= after);
        Some(self.events.range(start..))
    }
}
