//! What the manager and the tasks that send commands share while the saga runs on this node.

use std::collections::HashSet;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};

use lru::LruCache;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::Manager;
use crate::domain::{AggregateId, EventId, ExpectedVersion, Metadata, OrderId, StreamName, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{Dispatch, RetryPolicy};
use crate::saga::instance::{Instance, Origin};
use crate::saga::names::Names;
use crate::saga::record::Record;
use crate::store::{Append, EventStore, Read, Selection};
use crate::subscription::{Monitor, Runtime, Stop};
use crate::sync::lock;

/// So many instances are kept in memory.
const CACHED: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// So many commands are under way at once. One that waits for its next attempt is not.
const SENDING: usize = 1_024;

/// One run of a saga: from the lease to its end.
pub(super) struct Session<S> {
    pub(super) names: Names,
    pub(super) runtime: Arc<Runtime>,
    pub(super) dispatch: Arc<dyn Dispatch>,
    pub(super) monitor: Arc<Monitor>,
    pub(super) retry: RetryPolicy,
    pub(super) stop: Stop,
    pub(super) sending: Semaphore,
    /// How many instances were parked in a row, over all runs.
    pub(super) flood: Arc<AtomicU32>,
    /// How many may be.
    pub(super) most_in_row: u32,
    pub(super) notes: mpsc::UnboundedSender<Note>,
    cells: Mutex<LruCache<AggregateId, Arc<Cell>>>,
    /// The instances that have something to do, or may have.
    working: Mutex<HashSet<AggregateId>>,
    pub(super) pumps: Mutex<JoinSet<()>>,
    saga: PhantomData<fn() -> S>,
}

/// What a task that sends commands tells the manager.
pub(super) enum Note {
    /// A command failed for good: the instance is to be told, and then the sender of this.
    Failed { id: AggregateId, command: String, told: oneshot::Sender<()> },
    /// An instance cannot be read.
    Unreadable { id: AggregateId, cause: Error },
    /// The task came to its end by a failure.
    Broken(Error),
}

/// An instance in memory; whoever has the lock is the only one in this process to append to its stream.
///
/// Another node may append all the same: its last record was under way when the lease came here. The loop learns of it
/// from the domain stream, and leaves two marks, which need no lock and only rise.
pub(super) struct Cell {
    pub(super) id: AggregateId,
    pub(super) stream: StreamName,
    pub(super) slot: tokio::sync::Mutex<Slot>,
    /// The loop has read a record of this version, and raises this before it does anything else about the record.
    ///
    /// An instance in the slot may be behind it, but nobody decides on one that is: [`Session::load`], with which every
    /// use begins, reads it again. Where this rises after that, the use ends as if the record had come behind it: what
    /// it appends is refused, and what it has found to do or not to do is settled by `served`.
    stored: AtomicU64,
    /// Whoever has the lock, or is about to ask for it, looks for work on an instance of this version at least: a task
    /// that begins to send (or finds that one does), or an append at that place, which either is the record of that
    /// version or fails and leads to another look.
    ///
    /// So a record above it needs a task of its own, which comes after whoever has the lock now.
    served: AtomicU64,
}

impl Cell {
    fn new(id: AggregateId, stream: StreamName) -> Self {
        let slot = tokio::sync::Mutex::default();
        Self { id, stream, slot, stored: AtomicU64::new(0), served: AtomicU64::new(0) }
    }

    /// The version up to which the stream is known to go.
    fn stored(&self) -> Version {
        Version(self.stored.load(SeqCst))
    }

    /// Notes that somebody looks for work on an instance of this version; says whether nobody did before.
    pub(super) fn serve(&self, version: Version) -> bool {
        self.served.fetch_max(version.0, SeqCst) < version.0
    }
}

#[derive(Default)]
pub(super) struct Slot {
    instance: Option<Instance>,
    /// Whether a task sends its commands.
    pub(super) is_pumped: bool,
}

impl Slot {
    /// Whether there is something to do, as far as the instance is in memory.
    pub(super) fn has_work(&self) -> bool {
        self.instance.as_ref().is_some_and(|instance| instance.work().is_some())
    }

    /// How far the instance in memory has come.
    pub(super) fn version(&self) -> Version {
        self.instance.as_ref().map_or(Version::EMPTY, |instance| instance.version)
    }
}

/// What came of an append.
pub(super) enum Written {
    Done,
    /// The stream is not where it was thought to be: read it again, and decide again.
    Moved,
}

impl<S> Session<S> {
    pub(super) fn new(manager: &Manager<S>, stop: Stop, notes: mpsc::UnboundedSender<Note>) -> Arc<Self> {
        Arc::new(Self {
            names: manager.names.clone(),
            runtime: manager.runtime.clone(),
            dispatch: manager.dispatch.clone(),
            monitor: manager.monitor.clone(),
            retry: manager.retry,
            stop,
            sending: Semaphore::new(SENDING),
            flood: manager.flood.clone(),
            most_in_row: manager.most_in_row,
            notes,
            cells: Mutex::new(LruCache::new(CACHED)),
            working: Mutex::default(),
            pumps: Mutex::default(),
            saga: PhantomData,
        })
    }

    /// The cell of an instance, made if there is none.
    ///
    /// One that is given up while it is used goes on; should a second one come to be beside it, the store's expected
    /// versions keep both right.
    pub(super) fn cell(&self, id: &AggregateId) -> Arc<Cell> {
        let mut cells = lock(&self.cells);
        if let Some(cell) = cells.get(id) {
            return cell.clone();
        }
        let cell = Arc::new(Cell::new(id.clone(), self.names.stream(id)));
        cells.put(id.clone(), cell.clone());
        cell
    }

    /// Notes that an instance's stream goes up to this version. A cell that is made later reads that far by itself.
    pub(super) fn mark_stored(&self, id: &AggregateId, version: Version) {
        if let Some(cell) = lock(&self.cells).peek(id) {
            cell.stored.fetch_max(version.0, SeqCst);
        }
    }

    /// The instances that have something to do, or may have.
    pub(super) fn working(&self) -> HashSet<AggregateId> {
        lock(&self.working).clone()
    }

    pub(super) fn works(&self, id: &AggregateId) {
        lock(&self.working).insert(id.clone());
    }

    /// Notes that an instance of this version has nothing to do; says no where its stream is known to go on.
    pub(super) fn rests(&self, cell: &Cell, version: Version) -> bool {
        // Under this lock: whoever reads a record behind it marks it as stored first, and then the instance as working.
        let mut working = lock(&self.working);
        let is_last = version >= cell.stored();
        if is_last {
            working.remove(&cell.id);
        }
        is_last
    }

    /// The instance in a slot, read from the store unless it is in memory and not known to be behind; then with the
    /// place of the last record that was read.
    pub(super) async fn load<'a>(
        &self,
        cell: &Cell,
        slot: &'a mut Slot,
    ) -> Result<(&'a Instance, Option<OrderId>)> {
        let (stored, mut last) = (cell.stored(), None);
        if slot.instance.as_ref().is_none_or(|instance| instance.version < stored) {
            slot.instance = None;
            let mut instance = Instance::default();
            let mut place = OrderId::START;
            let mut read = Read::of(Selection::Stream(cell.stream.clone()));
            loop {
                let page = self.runtime.events.read(read.clone()).await?;
                for event in &page.events {
                    instance.fold(event)?;
                    place = event.order_id;
                }
                let Some(next) = page.next else { break };
                read.from = Some(next);
            }
            if instance.version < stored {
                let message =
                    "the store gave a record before that it does not give now; look whether it is whole";
                return Err(Error::new(ErrorKind::Unavailable, "load saga", message)
                    .with("stream", &cell.stream)
                    .with("version", stored));
            }
            slot.instance = Some(instance);
            last = Some(place);
        }
        match &slot.instance {
            Some(instance) => Ok((instance, last)),
            None => Err(Error::new(ErrorKind::Internal, "load saga", "an instance was lost; report this")),
        }
    }

    /// Appends records to an instance's stream, with its end where that follows from them. Where it fails, the instance
    /// is read again by whoever comes next: the records may be stored all the same.
    pub(super) async fn append(
        &self,
        cell: &Cell,
        slot: &mut Slot,
        record: Record,
        ids: [EventId; 2],
        metadata: Metadata,
    ) -> Result<Written> {
        let Some(mut next) = slot.instance.take() else { return Ok(Written::Moved) };
        let service = Some(self.runtime.service.clone());
        let metadata = Arc::new(Metadata { service, ..metadata });
        let expected = ExpectedVersion::Exact(next.version);
        let behind = next.version.next();
        let [first, second] = ids;
        let mut events = vec![record.encode(first.clone())?];
        let standstill =
            if let Record::Outcome(outcomes) = &record { next.standstill(outcomes) } else { None };
        next.apply(&record, &Origin { event: first, metadata: metadata.clone() });
        if let Some(end) = standstill.or_else(|| next.close()) {
            let end = Record::Ended(end);
            events.push(end.encode(second.clone())?);
            next.apply(&end, &Origin { event: second, metadata: metadata.clone() });
        }
        for event in &mut events {
            event.metadata = metadata.clone();
        }
        if next.work().is_some() {
            // Before it is stored: whoever reads the record finds the instance among those that work.
            self.works(&cell.id);
        }
        cell.serve(behind);
        let append = Append::to(cell.stream.clone(), expected, events, self.runtime.clock.now());
        match self.runtime.events.append(append).await {
            Ok(appended) if appended.duplicate => Ok(Written::Moved),
            Ok(_) => {
                slot.instance = Some(next);
                Ok(Written::Done)
            }
            // Where only a part is known, another node has recorded the same trigger, on another state.
            Err(error) if is_race(error.kind()) => Ok(Written::Moved),
            Err(error) => Err(error),
        }
    }

    /// Notes a place in the log that an instance has passed without a record.
    pub(super) fn pass(slot: &mut Slot, order_id: OrderId) {
        if let Some(instance) = &mut slot.instance {
            instance.position = instance.position.max(order_id);
        }
    }
}

fn is_race(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict { .. } | ErrorKind::IdReused { .. })
}
