//! What a node's handle, its leases and its task have in common.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::process::{self, Process};
use super::record::{NodeRecord, node_key, put};
use crate::domain::Name;
use crate::error::Result;
use crate::store::{Expect, StateStore, StateWrite};
use crate::subscription::{Stop, Stopper};
use crate::sync::lock;

/// How a node is doing among those that share a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// How many leases it holds.
    pub leases: usize,
    /// How long ago it last renewed them; `None` where it holds none.
    pub renewed: Option<Duration>,
    /// Why it could not renew them last time.
    pub last_error: Option<String>,
}

/// One node.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) id: String,
    pub(super) state: Arc<dyn StateStore>,
    pub(super) term: Duration,
    /// Wakes the task: there is something new to hold, or something to give back.
    pub(super) woken: Notify,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// What somebody in this node holds or wants, one at a time for each name.
    claims: HashSet<Name>,
    held: HashMap<Name, Held>,
    anything_returned: bool,
    beat: u64,
    renewed: Option<Instant>,
    last_error: Option<String>,
    has_task: bool,
    closed: bool,
}

/// A lease that is held; dropping the stopper tells its holder that it is lost.
#[derive(Debug)]
struct Held {
    epoch: u64,
    stopper: Stopper,
}

impl Shared {
    /// However long the term is: that a process has ended is found by looking.
    const LONGEST_LOOK: Duration = Duration::from_millis(500);

    pub(super) fn new(state: Arc<dyn StateStore>, term: Duration, id: String) -> Self {
        Self { id, state, term, woken: Notify::new(), inner: Mutex::default() }
    }

    /// How long between two signs of life.
    pub(super) fn renewal(&self) -> Duration {
        self.term / 3
    }

    /// How long between two looks at what is held by others, or could not be renewed.
    pub(super) fn look(&self) -> Duration {
        (self.term / 6).min(Self::LONGEST_LOOK)
    }

    /// The next sign of life.
    pub(super) fn sign_of_life(&self) -> Result<StateWrite> {
        let mut inner = self.inner();
        inner.beat += 1;
        let record = NodeRecord { beat: inner.beat, term: self.term, process: Process::this().clone() };
        put(node_key(&self.id), Expect::Any, &record)
    }

    /// Takes a name for one caller of this node; `false` where another one has it.
    pub(super) fn claim(&self, name: &Name) -> bool {
        self.inner().claims.insert(name.clone())
    }

    /// Gives a name back. Its lease, unless it is free by the store, is freed by the task.
    pub(super) fn disclaim(&self, name: &Name, is_free: bool) {
        let mut inner = self.inner();
        inner.claims.remove(name);
        inner.held.remove(name);
        inner.anything_returned |= !is_free;
        drop(inner);
        self.woken.notify_one();
        process::wake();
    }

    /// Has the task look for what is to be freed.
    pub(super) fn look_again(&self) {
        self.inner().anything_returned = true;
        self.woken.notify_one();
    }

    /// Whether names were given back since this was asked last.
    pub(super) fn is_anything_returned(&self) -> bool {
        std::mem::take(&mut self.inner().anything_returned)
    }

    pub(super) fn is_claimed(&self, name: &Name) -> bool {
        self.inner().claims.contains(name)
    }

    /// Notes that a lease is held, since a sign of life that was begun at `since`. `None` where the node was closed.
    pub(super) fn hold(&self, name: &Name, epoch: u64, since: Instant) -> Option<Stop> {
        let mut inner = self.inner();
        if inner.closed {
            return None;
        }
        let stopper = Stopper::new();
        let lost = stopper.signal();
        inner.held.insert(name.clone(), Held { epoch, stopper });
        inner.renewed = inner.renewed.max(Some(since));
        drop(inner);
        self.woken.notify_one();
        Some(lost)
    }

    pub(super) fn lose(&self, name: &Name, epoch: u64) {
        let mut inner = self.inner();
        if inner.held.get(name).is_some_and(|held| held.epoch == epoch) {
            inner.held.remove(name);
            drop(inner);
            tracing::warn!(lease = %name, epoch, "a lease was lost");
        }
    }

    pub(super) fn lose_all(&self) {
        let held = std::mem::take(&mut self.inner().held);
        if !held.is_empty() {
            let names: Vec<_> = held.keys().map(Name::as_str).collect();
            tracing::warn!(leases = names.join(", "), "leases were not renewed in time and count as lost");
        }
        for held in held.values() {
            held.stopper.stop();
        }
    }

    /// What is held now, with its epoch.
    pub(super) fn held(&self) -> HashMap<Name, u64> {
        self.inner().held.iter().map(|(name, held)| (name.clone(), held.epoch)).collect()
    }

    pub(super) fn holds_any(&self) -> bool {
        !self.inner().held.is_empty()
    }

    /// Until when what is held counts as held unless it is renewed.
    pub(super) fn held_until(&self) -> Option<Instant> {
        let inner = self.inner();
        inner.renewed.filter(|_| !inner.held.is_empty()).map(|renewed| renewed + self.term)
    }

    /// Notes the outcome of a renewal that began at `since`.
    pub(super) fn renewed(&self, since: Instant, outcome: &Result<()>) {
        let mut inner = self.inner();
        if outcome.is_ok() {
            inner.renewed = inner.renewed.max(Some(since));
        }
        inner.last_error = outcome.as_ref().err().map(ToString::to_string);
    }

    pub(super) fn heartbeat(&self) -> Heartbeat {
        let inner = self.inner();
        let renewed = inner.renewed.filter(|_| !inner.held.is_empty());
        Heartbeat {
            leases: inner.held.len(),
            renewed: renewed.map(|renewed| renewed.elapsed()),
            last_error: inner.last_error.clone(),
        }
    }

    /// Whether the caller is to start the task of this node.
    pub(super) fn needs_task(&self) -> bool {
        let mut inner = self.inner();
        !inner.closed && !std::mem::replace(&mut inner.has_task, true)
    }

    /// The task ended, for whatever reason: nothing is renewed any more.
    pub(super) fn task_ended(&self) {
        self.lose_all();
        self.inner().has_task = false;
        process::wake();
    }

    pub(super) fn has_task(&self) -> bool {
        self.inner().has_task
    }

    pub(super) fn close(&self) {
        self.inner().closed = true;
        process::wake();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.inner().closed
    }

    /// Always whole, so a panic elsewhere cannot have spoilt it.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}
