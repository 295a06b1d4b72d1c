//! How a domain service is doing: what its segments say, joined into one monitor.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use crate::domain::{OrderId, Timestamp};
use crate::subscription::{Monitor, Phase, Segment};
use crate::sync::lock;

/// The state of all segments, wherever they are worked on.
#[derive(Debug)]
pub(super) struct Progress {
    monitor: Monitor,
    segments: Mutex<BTreeMap<u32, Part>>,
}

/// The state of one segment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) phase: Phase,
    pub(super) position: OrderId,
    pub(super) behind_since: Option<Timestamp>,
}

impl Progress {
    pub(super) fn new(monitor: Monitor) -> Self {
        Self { monitor, segments: Mutex::default() }
    }

    pub(super) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Sets the state of a segment.
    pub(super) fn set(&self, segment: Segment, part: Part) {
        let mut segments = self.segments();
        segments.insert(segment.index(), part);
        self.show(&segments);
    }

    /// Sets the phase of a segment, and leaves the rest.
    pub(super) fn enter(&self, segment: Segment, phase: Phase) {
        let mut segments = self.segments();
        if let Some(part) = segments.get_mut(&segment.index()) {
            part.phase = phase;
            self.show(&segments);
        } else {
            self.monitor.enter(phase);
        }
    }

    /// Whether a segment is worked on here.
    pub(super) fn works_on(&self, segment: Segment) -> bool {
        let phase = self.segments().get(&segment.index()).map(|part| part.phase.clone());
        phase.is_some_and(|phase| !matches!(phase, Phase::StandingBy | Phase::Stopped))
    }

    /// Forgets all segments: there are others.
    pub(super) fn clear(&self) {
        self.segments().clear();
    }

    fn show(&self, segments: &BTreeMap<u32, Part>) {
        let position = segments.values().map(|part| part.position).min().unwrap_or_default();
        if position != self.monitor.position() {
            self.monitor.reset(position);
        }
        self.monitor.behind_since(segments.values().filter_map(|part| part.behind_since).min());
        let concern = |part: &&Part| match part.phase {
            Phase::Stuck => 6,
            Phase::Paused => 5,
            Phase::CatchingUp => 4,
            Phase::Starting => 3,
            Phase::Live => 2,
            Phase::StandingBy => 1,
            Phase::Stopped => 0,
        };
        if let Some(part) = segments.values().max_by_key(concern) {
            self.monitor.enter(part.phase.clone());
        }
    }

    /// Always whole, so a panic elsewhere cannot have spoilt it.
    fn segments(&self) -> MutexGuard<'_, BTreeMap<u32, Part>> {
        lock(&self.segments)
    }
}
