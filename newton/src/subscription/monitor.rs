//! How a reaction is doing: kept by whoever runs it, read by whoever asks.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::{Name, OrderId, Timestamp};
use crate::error::Result;
use crate::subscription::{Calls, ReactionKind};
use crate::sync::lock;

/// How a reaction is doing, as of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: ReactionKind,
    /// What it is doing.
    pub phase: Phase,
    /// Everything at or below was handled, or parked, or does not concern it.
    pub position: OrderId,
    /// How far it is behind the head of the log, in order ids.
    pub lag_events: u64,
    /// The age of the first event it has not handled, as far as known; zero where it is caught up.
    pub lag: Duration,
    /// The last failure, until something succeeds.
    pub last_error: Option<String>,
    /// How many keys are parked.
    pub parked_keys: usize,
    /// Whether its data was made by other code than this program's, and goes on to be: rebuild it.
    pub changed: bool,
}

/// What a reaction is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// It has not run yet.
    Starting,
    /// Another node runs it; this one takes over when that one ends.
    StandingBy,
    /// It works through what is stored.
    CatchingUp,
    /// It follows the head.
    Live,
    /// It failed for a reason outside the events, and tries again.
    Paused,
    /// A handler is over its time-out and cannot be ended: it blocks its thread. Nothing behind it is begun in its segment,
    /// whose place stays before it.
    Stuck,
    /// It was stopped.
    Stopped,
}

impl Phase {
    /// Whether nobody needs to look.
    pub fn is_healthy(&self) -> bool {
        !matches!(self, Self::Paused | Self::Stuck)
    }
}

/// The one place where a reaction's state is kept for others to see.
#[derive(Debug)]
pub(crate) struct Monitor {
    name: Name,
    kind: ReactionKind,
    position: watch::Sender<OrderId>,
    /// Tells whoever waits that the phase may be another.
    entered: watch::Sender<()>,
    /// Ends the waits after failures.
    resumed: watch::Sender<()>,
    calls: Calls,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    last_error: Option<String>,
    parked_keys: usize,
    changed: bool,
    behind_since: Option<Timestamp>,
    /// Work that is under way beyond the position: batches, deliveries, dispatches.
    in_flight: usize,
    /// Work that waits for a time to come.
    waiting: usize,
}

impl Monitor {
    pub(crate) fn new(name: Name, kind: ReactionKind) -> Self {
        let state = State {
            phase: Phase::Starting,
            last_error: None,
            parked_keys: 0,
            changed: false,
            behind_since: None,
            in_flight: 0,
            waiting: 0,
        };
        Self {
            name,
            kind,
            position: watch::Sender::new(OrderId::START),
            entered: watch::Sender::new(()),
            resumed: watch::Sender::new(()),
            calls: Calls::new(),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn kind(&self) -> ReactionKind {
        self.kind
    }

    /// Enters a phase.
    pub(crate) fn enter(&self, phase: Phase) {
        let mut state = self.state();
        if state.phase != phase {
            state.phase = phase;
            drop(state);
            self.entered.send_replace(());
        }
    }

    /// What it is doing.
    pub(crate) fn phase(&self) -> Phase {
        if self.calls.stuck(None).is_some() { Phase::Stuck } else { self.state().phase.clone() }
    }

    /// The calls of its handlers.
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Waits until it is in a phase that fits. Cancel-safe.
    pub(crate) async fn entered(&self, fits: impl Fn(&Phase) -> bool) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.entered.subscribe().wait_for(|()| fits(&self.state().phase)).await;
    }

    /// Ends all waits after a failure: whatever waits tries again now.
    pub(crate) fn resume(&self) {
        self.resumed.send_replace(());
    }

    /// Waits until it is to be tried again without waiting any longer; what was asked for before the call does not count.
    pub(crate) fn resumed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut resumed = self.resumed.subscribe();
        async move {
            // With the monitor ends everything that could wait.
            let _ = resumed.changed().await;
        }
    }

    /// Moves the position up; it never falls here.
    pub(crate) fn advance(&self, through: OrderId) {
        self.position.send_if_modified(|position| {
            let higher = through > *position;
            *position = (*position).max(through);
            higher
        });
    }

    /// Sets the position, which may fall: the lease went away and came back, or a rebuild began.
    pub(crate) fn reset(&self, position: OrderId) {
        self.position.send_replace(position);
    }

    /// The recorded time of the first event that is at hand and not handled; `None` where there is none.
    pub(crate) fn behind_since(&self, time: Option<Timestamp>) {
        self.state().behind_since = time;
    }

    /// Notes a failure, to be shown until [`succeeded`](Self::succeeded).
    pub(crate) fn failed(&self, error: impl Into<String>) {
        self.state().last_error = Some(error.into());
    }

    pub(crate) fn succeeded(&self) {
        self.state().last_error = None;
    }

    pub(crate) fn parked_keys(&self, count: usize) {
        self.state().parked_keys = count;
    }

    /// Whether its data was made by other code than this program's.
    pub(crate) fn changed(&self, changed: bool) {
        self.state().changed = changed;
    }

    /// Whether its data was made by other code than this program's.
    pub(crate) fn is_changed(&self) -> bool {
        self.state().changed
    }

    /// The last failure, if nothing has succeeded since.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.calls.stuck(None).or_else(|| self.state().last_error.clone())
    }

    /// Counts work that is under way; the guard ends it.
    pub(crate) fn busy(&self) -> Busy<&Self> {
        Busy::of(self)
    }

    /// As [`busy`](Self::busy), for work that is handed to a task.
    pub(crate) fn busy_elsewhere(self: &Arc<Self>) -> Busy<Arc<Self>> {
        Busy::of(self.clone())
    }

    /// Takes what is under way here off the count until the guard is dropped: it waits for a time to come.
    pub(crate) fn idle(&self) -> Idle<'_> {
        let mut state = self.state();
        (state.in_flight, state.waiting) = (state.in_flight - 1, state.waiting + 1);
        Idle(self)
    }

    /// Counts a wait for the next attempt after a failure, where no work is counted; the guard ends it.
    pub(crate) fn waits(&self) -> Waits<'_> {
        self.state().waiting += 1;
        Waits(self)
    }

    /// Whether anything waits for its next attempt.
    #[cfg(feature = "testkit")]
    pub(crate) fn is_waiting(&self) -> bool {
        self.state().waiting > 0
    }

    /// Whether work is under way.
    #[cfg(feature = "testkit")]
    pub(crate) fn is_busy(&self) -> bool {
        self.state().in_flight > 0
    }

    pub(crate) fn position(&self) -> OrderId {
        *self.position.borrow()
    }

    /// Waits until everything up to `order_id` was handled or parked.
    pub(crate) async fn reached(&self, order_id: OrderId) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.position.subscribe().wait_for(|position| *position >= order_id).await;
    }

    /// How it is doing, with the head of the log and the present.
    pub(crate) fn status(&self, head: OrderId, now: Timestamp) -> Status {
        let (phase, last_error) = (self.phase(), self.last_error());
        let (position, state) = (self.position(), self.state());
        let lag = state.behind_since.and_then(|since| (now - since).to_std().ok()).unwrap_or_default();
        Status {
            name: self.name.clone(),
            kind: self.kind,
            phase,
            position,
            lag_events: head.0.saturating_sub(position.0),
            lag: if head > position { lag } else { Duration::ZERO },
            last_error,
            parked_keys: state.parked_keys,
            changed: state.changed,
        }
    }

    /// Notes the outcome of a step, and passes it on.
    pub(crate) fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        match &outcome {
            Ok(_) => self.succeeded(),
            Err(error) => self.failed(error.to_string()),
        }
        outcome
    }

    /// A state is always whole, so a panic elsewhere cannot have spoilt it.
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Work that is under way.
#[derive(Debug)]
pub(crate) struct Busy<M: Deref<Target = Monitor>>(M);

impl<M: Deref<Target = Monitor>> Busy<M> {
    fn of(monitor: M) -> Self {
        monitor.state().in_flight += 1;
        Self(monitor)
    }
}

impl<M: Deref<Target = Monitor>> Drop for Busy<M> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

/// A wait for the next attempt.
#[derive(Debug)]
pub(crate) struct Waits<'a>(&'a Monitor);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

/// Work that waits for a time to come.
#[derive(Debug)]
pub(crate) struct Idle<'a>(&'a Monitor);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        (state.in_flight, state.waiting) = (state.in_flight + 1, state.waiting - 1);
    }
}
