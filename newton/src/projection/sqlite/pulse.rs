//! Which event a handler is at, and since when: written by its thread, watched by the task that waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::domain::OrderId;

/// Which event is in its handler.
#[derive(Debug)]
pub(super) struct Pulse {
    base: Instant,
    /// The event, or 0.
    event: AtomicU64,
    /// When it began, in nanoseconds after the base.
    since: AtomicU64,
    /// The event that was interrupted, or 0.
    interrupted: AtomicU64,
}

impl Pulse {
    pub(super) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self { base: Instant::now(), event: zero(), since: zero(), interrupted: zero() }
    }

    /// An event goes to its handler.
    pub(super) fn begin(&self, event: OrderId) {
        self.interrupted.store(0, Ordering::Release);
        self.since.store(self.now(), Ordering::Relaxed);
        self.event.store(event.0, Ordering::Release);
    }

    /// The handler is back; says whether it was interrupted.
    pub(super) fn end(&self, event: OrderId) -> bool {
        self.event.store(0, Ordering::Release);
        self.was_interrupted(event)
    }

    pub(super) fn was_interrupted(&self, event: OrderId) -> bool {
        self.interrupted.load(Ordering::Acquire) == event.0
    }

    /// How long the handler has been at its event, and which that is.
    pub(super) fn busy(&self) -> Option<(OrderId, Duration)> {
        let event = self.event.load(Ordering::Acquire);
        let since = self.since.load(Ordering::Relaxed);
        (event > 0).then(|| (OrderId(event), Duration::from_nanos(self.now().saturating_sub(since))))
    }

    /// Notes that an event was interrupted.
    pub(super) fn interrupt(&self, event: OrderId) {
        self.interrupted.store(event.0, Ordering::Release);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
