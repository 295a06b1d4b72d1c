//! Stores that fail on purpose, at an operation that the test chooses.

#![deny(clippy::missing_trait_methods)]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::task_local;

use crate::domain::{Name, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{
    Append, Appended, Capability, EventStore, Head, Load, Page, Read, Revision, Scan, Slice, StateKey,
    StateRecord, StateStore, StateWrite, Stores, StreamInfo, Streams,
};
use crate::sync::lock;

/// What goes wrong with one operation of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It fails as if the store could not be reached; nothing is written.
    Fail,
    /// It succeeds, and the answer is lost: the caller gets the same error as for [`Fail`](Self::Fail).
    LoseAnswer,
    /// It succeeds after other tasks had many turns.
    Slow,
    /// The process dies before it: this operation and all later ones never come back.
    CrashBefore,
    /// The process dies behind it: it succeeds, and neither it nor any later operation comes back.
    CrashAfter,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 5] =
        [Self::Fail, Self::LoseAnswer, Self::Slow, Self::CrashBefore, Self::CrashAfter];

    /// Whether the process that meets it is dead afterwards, and another must go on.
    pub fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter)
    }
}

/// A plan of faults by operation, counted over both stores from 0. Clones share the plan and the count.
///
/// ```
/// use newton::OrderId;
/// use newton::store::{EventStore, MemoryStore, Stores};
/// use newton::testkit::{Fault, Faults};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let faults = Faults::at(1, Fault::Fail);
/// let stores = faults.over(&Stores::of(MemoryStore::new()));
/// assert!(stores.events.head().await.is_ok());
/// assert!(stores.events.head().await.is_err());
/// assert!(stores.events.head().await.is_ok());
/// assert_eq!(faults.operations(), ["head", "head", "head"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Default)]
struct Inner {
    plan: Mutex<BTreeMap<u64, Fault>>,
    operations: Mutex<Vec<&'static str>>,
    count: AtomicU64,
    under_way: AtomicU64,
    dead: Mutex<bool>,
    crashed: Notify,
}

impl Faults {
    /// No faults; operations are counted all the same.
    pub fn none() -> Self {
        Self::default()
    }

    /// One fault, at the operation of that number.
    pub fn at(operation: u64, fault: Fault) -> Self {
        Self::none().and_at(operation, fault)
    }

    /// One more fault.
    #[must_use]
    pub fn and_at(self, operation: u64, fault: Fault) -> Self {
        lock(&self.0.plan).insert(operation, fault);
        self
    }

    /// The stores with these faults in front of them.
    pub fn over(&self, stores: &Stores) -> Stores {
        let faulty = |faults: &Self| Faulty { faults: faults.clone(), stores: stores.clone() };
        Stores { events: Arc::new(faulty(self)), state: Arc::new(faulty(self)), file: stores.file.clone() }
    }

    /// The operations so far, in order.
    pub fn operations(&self) -> Vec<&'static str> {
        lock(&self.0.operations).clone()
    }

    /// Whether the plan's crash has happened.
    pub fn has_crashed(&self) -> bool {
        *lock(&self.0.dead)
    }

    /// Waits until the plan's crash has happened.
    pub async fn crashed(&self) {
        let crashed = self.0.crashed.notified();
        if !self.has_crashed() {
            crashed.await;
        }
    }

    /// How many operations are under way.
    pub(super) fn under_way(&self) -> u64 {
        self.0.under_way.load(SeqCst)
    }

    /// Runs a task whose operations are those of the test itself: they are not counted, and never fail on purpose.
    pub(super) async fn aside<T>(task: impl Future<Output = T>) -> T {
        ASIDE.scope((), task).await
    }

    /// Runs an operation with the fault that the plan has for it.
    pub(super) async fn run<T>(
        &self,
        name: &'static str,
        operation: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if ASIDE.try_with(|()| ()).is_ok() {
            return operation.await;
        }
        if self.has_crashed() {
            return std::future::pending().await;
        }
        let _under_way = UnderWay::of(self);
        let number = self.0.count.fetch_add(1, SeqCst);
        lock(&self.0.operations).push(name);
        let fault = lock(&self.0.plan).get(&number).copied();
        match fault {
            None => self.unless_crashed(operation.await).await,
            Some(Fault::Fail) => Err(unreachable(name)),
            Some(Fault::LoseAnswer) => operation.await.and_then(|_| Err(unreachable(name))),
            Some(Fault::Slow) => {
                for _ in 0..SLOW_TURNS {
                    tokio::task::yield_now().await;
                }
                self.unless_crashed(operation.await).await
            }
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::CrashAfter) => {
                // Whether it was written is what counts; nobody is left to hear of it.
                let _ = operation.await;
                self.die().await
            }
        }
    }

    /// An operation that was under way when the process died does not come back either.
    async fn unless_crashed<T>(&self, outcome: Result<T>) -> Result<T> {
        if self.has_crashed() { std::future::pending().await } else { outcome }
    }

    async fn die<T>(&self) -> Result<T> {
        *lock(&self.0.dead) = true;
        self.0.crashed.notify_waiters();
        std::future::pending().await
    }
}

const SLOW_TURNS: usize = 100;

task_local! {
    /// Set in tasks of the test itself.
    static ASIDE: ();
}

/// An operation that is under way, counted until it has ended or is given up.
struct UnderWay<'a>(&'a Inner);

impl<'a> UnderWay<'a> {
    fn of(faults: &'a Faults) -> Self {
        faults.0.under_way.fetch_add(1, SeqCst);
        Self(&faults.0)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, SeqCst);
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("plan", &*lock(&self.0.plan)).finish_non_exhaustive()
    }
}

fn unreachable(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, operation, "the test's fault; try again")
}

/// Both stores behind one plan.
#[derive(Debug)]
struct Faulty {
    faults: Faults,
    stores: Stores,
}

#[async_trait]
impl EventStore for Faulty {
    fn capability(&self) -> Capability {
        self.stores.events.capability()
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        self.faults.run("append", self.stores.events.append(append)).await
    }

    async fn read(&self, read: Read) -> Result<Page> {
        self.faults.run("read", self.stores.events.read(read)).await
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        self.faults.run("load", self.stores.events.load(load)).await
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        self.faults.run("list streams", self.stores.events.streams(streams)).await
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        self.faults.run("list event types", self.stores.events.event_types(domain)).await
    }

    async fn head(&self) -> Result<Head> {
        self.faults.run("head", self.stores.events.head()).await
    }
}

#[async_trait]
impl StateStore for Faulty {
    async fn get(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        self.faults.run("get state", self.stores.state.get(key)).await
    }

    async fn write(&self, batch: Vec<StateWrite>) -> Result<Vec<Revision>> {
        self.faults.run("write state", self.stores.state.write(batch)).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<StateRecord>> {
        self.faults.run("scan state", self.stores.state.scan(scan)).await
    }
}
