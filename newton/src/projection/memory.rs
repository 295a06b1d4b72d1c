//! Projections in memory: a value behind a lock, rebuilt at every start.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::domain::{Name, OrderId, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::projection::guard::{self, Flood, Trouble};
use crate::projection::keep::{Keep, Replica};
use crate::projection::parked::{self, GivenUp, Note};
use crate::projection::projector::Projector;
use crate::projection::rebuild::Rebuildable;
use crate::projection::view::sealed;
use crate::projection::{MemoryProjection, View};
use crate::store::Read;
use crate::subscription::{Assembly, Called, Dropped, Lease, Monitor, ParkedKey, Parking, Reaction, Runtime};

/// The longest that readers are kept waiting, but for the handler of a single event.
const WRITE_LOCK: Duration = Duration::from_millis(2);

/// A projection's value, to read. Cloning is cheap.
#[derive(Debug)]
pub struct MemoryView<P>(Arc<Slot<P>>);

/// A projection's value while nothing changes it. Hold it briefly: the projection waits meanwhile.
#[derive(Debug)]
pub struct MemoryGuard<'a, P>(RwLockReadGuard<'a, State<P>>);

/// Where a projection in memory is kept.
pub(super) struct Memory<P> {
    runtime: Arc<Runtime>,
    monitor: Arc<Monitor>,
    /// How long a handler may block before it is reported.
    limit: Duration,
    live: Arc<Slot<P>>,
}

#[derive(Debug, Default)]
struct Slot<P> {
    state: RwLock<State<P>>,
    flood: Flood,
}

#[derive(Debug, Default)]
struct State<P> {
    value: P,
    position: OrderId,
    parked: BTreeMap<Name, VecDeque<Note>>,
    dropped: Vec<GivenUp>,
}

/// A value that follows the log.
pub(super) struct MemoryReplica<P> {
    slot: Arc<Slot<P>>,
    runtime: Arc<Runtime>,
    monitor: Arc<Monitor>,
    limit: Duration,
}

impl<P> Clone for MemoryView<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P> MemoryView<P> {
    /// Waits until no batch is being applied, and keeps the next one waiting until the guard is dropped. Do not hold it
    /// across an `await`.
    pub fn read(&self) -> MemoryGuard<'_, P> {
        MemoryGuard(self.0.read())
    }

    /// Looks at the value as it is between two batches.
    pub fn with<T>(&self, look: impl FnOnce(&P) -> T) -> T {
        look(&self.read())
    }
}

impl<P> Deref for MemoryGuard<'_, P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0.value
    }
}

impl<P: MemoryProjection> Memory<P> {
    pub(super) fn new(assembly: &Assembly, monitor: Arc<Monitor>) -> Self {
        let limit = assembly.handler_policies.of::<P>().timeout;
        Self { runtime: assembly.runtime.clone(), monitor, limit, live: Arc::default() }
    }

    fn replica(&self, slot: Arc<Slot<P>>) -> MemoryReplica<P> {
        let (runtime, monitor, limit) = (self.runtime.clone(), self.monitor.clone(), self.limit);
        MemoryReplica { slot, runtime, monitor, limit }
    }

    /// The events of a key, in their order, by the log.
    async fn events_of(&self, key: &str) -> Result<VecDeque<RecordedEvent>> {
        let notes: Vec<Note> =
            self.live.read().parked.get(key).into_iter().flatten().take(Read::PAGE).cloned().collect();
        if notes.is_empty() {
            let message = "no such key is parked; list the parked ones";
            return Err(Error::new(ErrorKind::NotFound, "look for parked key", message).with("key", key));
        }
        let mut found = parked::fetch(&notes, &*self.runtime.events).await?;
        Ok(notes.iter().filter_map(|note| found.remove(&note.order_id)).collect())
    }
}

impl<P> Slot<P> {
    // Handlers are called in a guard of their own, so no panic happens while the lock is held.
    fn read(&self) -> RwLockReadGuard<'_, State<P>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<P>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: MemoryProjection> State<P> {
    fn handle(&mut self, event: &RecordedEvent) -> Result<bool, Trouble> {
        guard::call(|| self.value.handle(event, &mut View::new(event)), guard::newtons)
    }

    /// Applies an event, or parks it.
    fn apply(&mut self, event: &RecordedEvent, flood: &Flood, runtime: &Runtime) -> Result<()> {
        let key = event.stream.as_str();
        if let Some(waiting) = self.parked.get_mut(key) {
            waiting.push_back(Note::of(event, None, runtime.clock.now()));
        } else {
            match self.handle(event) {
                Ok(_) => flood.succeeded(),
                Err(Trouble::Infrastructure(error)) => return Err(error),
                Err(Trouble::Handler(cause)) => {
                    flood.failed(&cause)?;
                    let note = Note::of(event, Some(cause), runtime.clock.now());
                    self.parked.insert(key.into(), VecDeque::from([note]));
                }
            }
        }
        self.position = event.order_id;
        Ok(())
    }

    /// Tries the first events of a key, up to one that fails; gives how many were handled.
    fn retry(&mut self, key: &str, events: VecDeque<RecordedEvent>) -> Result<usize> {
        let mut handled = 0;
        for event in events {
            let is_first =
                |notes: &VecDeque<Note>| notes.front().is_some_and(|first| first.order_id == event.order_id);
            if !self.parked.get(key).is_some_and(is_first) {
                break;
            }
            let outcome = self.handle(&event);
            let Some(notes) = self.parked.get_mut(key) else { break };
            match (outcome, notes.front_mut()) {
                (Ok(_), _) => {
                    notes.pop_front();
                    handled += 1;
                }
                (Err(Trouble::Handler(cause)), Some(first)) => {
                    first.cause = Some(cause);
                    first.attempts += 1;
                    break;
                }
                (Err(Trouble::Infrastructure(error)), _) => return Err(error),
                (Err(Trouble::Handler(_)), None) => break,
            }
        }
        if self.parked.get(key).is_some_and(VecDeque::is_empty) {
            self.parked.remove(key);
        }
        Ok(handled)
    }
}

impl<P: MemoryProjection> MemoryReplica<P> {
    /// Applies as many events as fit into one lock.
    fn apply_some<'a>(&self, events: &mut impl Iterator<Item = &'a Arc<RecordedEvent>>) -> Result<()> {
        let (mut state, began) = (self.slot.write(), Instant::now());
        for event in events {
            state.apply(event, &self.slot.flood, &self.runtime)?;
            if began.elapsed() > WRITE_LOCK {
                break;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl<P: MemoryProjection> Replica for MemoryReplica<P> {
    fn position(&self) -> OrderId {
        self.slot.read().position
    }

    fn appetite(&self) -> usize {
        Read::PAGE
    }

    async fn apply(&mut self, events: Vec<Arc<RecordedEvent>>, through: OrderId) -> Result<()> {
        let mut events = events.iter();
        while let Some(first) = events.as_slice().first() {
            let called = Called { event: first.order_id, segment: None, limit: self.limit };
            self.monitor.calls().watch(called, async { self.apply_some(&mut events) }).await?;
            tokio::task::yield_now().await;
        }
        self.slot.write().position = through;
        Ok(())
    }

    fn parked_keys(&self) -> usize {
        self.slot.read().parked.len()
    }
}

#[async_trait]
impl<P: MemoryProjection> Keep for Memory<P> {
    type Replica = MemoryReplica<P>;

    const LEASED: bool = false;

    async fn open(&self, _: Option<&Lease>) -> Result<MemoryReplica<P>> {
        Ok(self.replica(self.live.clone()))
    }

    async fn close(&self) {}

    async fn wants_rebuild(&self) -> Result<bool> {
        Ok(false)
    }

    async fn open_next(&self, _: Option<&Lease>) -> Result<MemoryReplica<P>> {
        Ok(self.replica(Arc::default()))
    }

    async fn switch(&self, built: &mut MemoryReplica<P>, _: Option<&Lease>) -> Result<()> {
        let state = std::mem::take(&mut *built.slot.write());
        // The old value is dropped when no reader waits for it any more.
        let old = std::mem::replace(&mut *self.live.write(), state);
        drop(old);
        built.slot = self.live.clone();
        Ok(())
    }

    fn is_changed(&self) -> bool {
        false
    }

    async fn stored_position(&self) -> Result<Option<OrderId>> {
        Ok(None)
    }
}

#[async_trait]
impl<P: MemoryProjection> Parking for Memory<P> {
    async fn list(&self) -> Result<Vec<ParkedKey>> {
        let copy = |(key, notes): (&Name, &VecDeque<Note>)| (key.clone(), notes.iter().cloned().collect());
        let keys = self.live.read().parked.iter().map(copy).collect();
        parked::list(&Name::from_static(P::NAME), keys, &*self.runtime.events).await
    }

    async fn retry(&self, key: &str) -> Result<usize> {
        let mut handled = 0;
        loop {
            let events = self.events_of(key).await?;
            let mut state = self.live.write();
            let step = state.retry(key, events)?;
            self.monitor.parked_keys(state.parked.len());
            handled += step;
            if step == 0 || !state.parked.contains_key(key) {
                return Ok(handled);
            }
        }
    }

    async fn drop_first(&self, key: &str, reason: &str) -> Result<()> {
        let dropped = {
            let (mut state, time) = (self.live.write(), self.runtime.clock.now());
            let dropped = state.parked.get_mut(key).and_then(VecDeque::pop_front);
            state.dropped.extend(dropped.iter().map(|note| GivenUp {
                key: key.into(),
                note: note.clone(),
                reason: reason.to_owned(),
                time,
            }));
            if state.parked.get(key).is_some_and(VecDeque::is_empty) {
                state.parked.remove(key);
            }
            self.monitor.parked_keys(state.parked.len());
            dropped
        };
        let Some(note) = dropped else { return self.events_of(key).await.map(drop) };
        tracing::warn!(projection = P::NAME, key, event = %note.event_id, reason, "a parked event was given up");
        if self.live.read().parked.contains_key(key) { self.retry(key).await.map(drop) } else { Ok(()) }
    }

    async fn dropped(&self) -> Result<Vec<Dropped>> {
        let given_up = self.live.read().dropped.clone();
        parked::dropped(given_up, &*self.runtime.events).await
    }

    async fn among(&self, first: OrderId, last: OrderId) -> Result<Option<Name>> {
        let state = self.live.read();
        let is_among = |note: &Note| (first..=last).contains(&note.order_id);
        Ok(state.parked.iter().find(|(_, notes)| notes.iter().any(is_among)).map(|(key, _)| key.clone()))
    }
}

impl<P> fmt::Debug for Memory<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("monitor", &self.monitor).finish_non_exhaustive()
    }
}

#[allow(private_interfaces, reason = "it seals a public trait; nobody outside can name it")]
impl<P: MemoryProjection> sealed::Open<P> for View<'_> {
    type Access = MemoryView<P>;

    fn open(reaction: &Arc<dyn Reaction>) -> Option<MemoryView<P>> {
        let projector = reaction.as_any().downcast_ref::<Projector<Memory<P>>>()?;
        Some(MemoryView(projector.keep.live.clone()))
    }

    fn rebuildable(reaction: &Arc<dyn Reaction>) -> Option<&dyn Rebuildable> {
        Some(reaction.as_any().downcast_ref::<Projector<Memory<P>>>()?)
    }
}
