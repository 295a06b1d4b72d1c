//! The calls of handlers that are under way: one that blocks its thread cannot tell, so whoever asks is told by this.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::domain::OrderId;
use crate::subscription::Segment;
use crate::sync::lock;

/// The calls of one reaction's handlers.
#[derive(Debug)]
pub(crate) struct Calls {
    base: Instant,
    /// Numbers the calls.
    next: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Call>>>,
}

/// A call of a handler.
#[derive(Debug)]
struct Call {
    event: OrderId,
    segment: Option<Segment>,
    /// How long it may hold its thread.
    limit: Duration,
    /// Since when it has held its thread, in nanoseconds after the base and at least 1; 0 while it waits.
    since: AtomicU64,
}

/// Which call it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called {
    /// The event that is handled.
    pub(crate) event: OrderId,
    /// The segment that is worked on, if it is.
    pub(crate) segment: Option<Segment>,
    /// How long the handler may hold its thread before it is stuck.
    pub(crate) limit: Duration,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self { base: Instant::now(), next: AtomicU64::new(0), open: Mutex::default() }
    }

    /// Runs a handler and looks how long it holds its thread.
    pub(crate) async fn watch<T>(&self, called: Called, handler: impl Future<Output = T>) -> T {
        let Called { event, segment, limit } = called;
        let call = Arc::new(Call { event, segment, limit, since: AtomicU64::new(0) });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.open().insert(number, call.clone());
        let _open = Open { calls: self, number };
        let mut handler = pin!(handler);
        poll_fn(|context| {
            call.since.store(self.now(), Ordering::Relaxed);
            let polled = handler.as_mut().poll(context);
            call.since.store(0, Ordering::Relaxed);
            polled
        })
        .await
    }

    /// What is wrong with the handler that has held its thread longest, if that is too long; of one segment, or of all.
    pub(crate) fn stuck(&self, segment: Option<Segment>) -> Option<String> {
        let now = self.now();
        let open = self.open();
        let concerned = open.values().filter(|call| segment.is_none() || call.segment == segment);
        let held = concerned.filter_map(|call| {
            let since = call.since.load(Ordering::Relaxed);
            let held = Duration::from_nanos(now.saturating_sub(since));
            (since > 0 && held > call.limit).then_some((held, call.event))
        });
        let (held, event) = held.max()?;
        Some(format!(
            "the handler has blocked its thread for {held:?} at order id {event} and cannot be cancelled; \
             let it await, or move what blocks to `spawn_blocking`"
        ))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// Always whole, so a panic elsewhere cannot have spoilt it.
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Call>>> {
        lock(&self.open)
    }
}

/// A call that is under way; dropping this ends it.
struct Open<'a> {
    calls: &'a Calls,
    number: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.calls.open().remove(&self.number);
    }
}
