//! The store that lives in memory: every promise but durability, for tests, prototypes and caches.
//!
//! - `log`: the events and the one place where they are appended
//! - `index`: which events belong to a stream, a domain, a type or a tag
//! - `correlations`: which events belong to a correlation
//! - `page`: how a read picks its events from the index
//! - `records`: the state records

mod correlations;
mod index;
mod log;
mod page;
mod records;

use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;

use self::log::Log;
use self::records::Records;
use crate::domain::{Name, OrderId, StreamName};
use crate::error::Result;
use crate::store::{
    Append, Appended, Capability, EventStore, Head, HeadSender, Limits, Load, Page, Read, Revision, Scan,
    Slice, StateKey, StateRecord, StateStore, StateWrite, StreamInfo, Streams,
};

/// An event store and a state store in memory. Nothing survives it.
///
/// ```
/// use newton::domain::{Clock, NewEvent, SystemClock};
/// use newton::store::{Append, EventStore, Load, memory::MemoryStore};
/// use newton::{ExpectedVersion, Payload, StreamName, Version};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let store = MemoryStore::new();
/// let stream = StreamName::parse("bank/Account/acc-1")?;
/// let opened = NewEvent::new("AccountOpened", Payload::json(r#"{"owner":"Ada"}"#)?);
/// let now = SystemClock.now();
/// store.append(Append::to(stream.clone(), ExpectedVersion::NoStream, vec![opened], now)).await?;
///
/// let slice = store.load(Load { stream, after: Version::EMPTY, limit: 100 }).await?;
/// assert_eq!(slice.version, Version(1));
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    log: RwLock<Log>,
    records: RwLock<Records>,
    head: HeadSender,
    limits: Limits,
}

impl MemoryStore {
    /// An empty store with the default limits.
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// An empty store with limits of its own.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            log: RwLock::default(),
            records: RwLock::default(),
            head: HeadSender::new(OrderId::START),
            limits,
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = shared(&self.log).head();
        f.debug_struct("MemoryStore")
            .field("head", &head)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for MemoryStore {
    fn capability(&self) -> Capability {
        Capability {
            durable: false,
            expected_versions: true,
            multi_stream: true,
            conditions: true,
            limits: self.limits,
        }
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        self.capability().admit(&append)?;
        let appended = exclusive(&self.log).append(append)?;
        self.head.advance(appended.order_id);
        Ok(appended)
    }

    async fn read(&self, read: Read) -> Result<Page> {
        read.admit()?;
        Ok(shared(&self.log).read(&read))
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        load.admit()?;
        Ok(shared(&self.log).load(&load))
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        streams.admit()?;
        Ok(shared(&self.log).streams(&streams))
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        Ok(shared(&self.log).event_types(domain))
    }

    async fn head(&self) -> Result<Head> {
        Ok(self.head.subscribe())
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn get(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        Ok(shared(&self.records).get(key))
    }

    async fn write(&self, batch: Vec<StateWrite>) -> Result<Vec<Revision>> {
        super::state::admit(&batch)?;
        exclusive(&self.records).write(batch)
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<StateRecord>> {
        scan.admit()?;
        Ok(shared(&self.records).scan(&scan))
    }
}

// A panic cannot leave the data half written, for every check comes before the first change: poison is passed over.

fn shared<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn exclusive<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
