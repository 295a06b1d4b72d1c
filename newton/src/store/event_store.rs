//! The trait every event store implements.

use std::fmt::Debug;
use std::ops::Deref;

use async_trait::async_trait;

use crate::domain::{Name, StreamName};
use crate::error::Result;
use crate::store::{Append, Appended, Capability, Head, Load, Page, Read, Slice, StreamInfo, Streams};

/// An append-only store of event streams.
///
/// The contract, which the suite in `testkit::contract` checks:
///
/// - An append is atomic, over several streams too where [`capability`](Self::capability) says so. Once acknowledged it
///   is as durable as the store is.
/// - Event ids are checked before the tombstone, and that before the expected versions, and these before the condition.
///   All ids known in the same streams: the first outcome, nothing written. Some known, or elsewhere:
///   [`IdReused`](crate::ErrorKind::IdReused).
/// - Versions are 1, 2, 3 and so on in a stream. Order ids rise in commit order over the whole store. Recorded times
///   never fall along the order id.
/// - A read or load gives at most one page and holds nothing open after it.
#[async_trait]
pub trait EventStore: Debug + Send + Sync + 'static {
    /// What this store can do.
    fn capability(&self) -> Capability;

    /// Appends events to one or several streams.
    async fn append(&self, append: Append) -> Result<Appended>;

    /// Reads a page of recorded events.
    async fn read(&self, read: Read) -> Result<Page>;

    /// Reads a page of one stream for folding: forward, and only what a fold needs.
    async fn load(&self, load: Load) -> Result<Slice>;

    /// Lists streams by name.
    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>>;

    /// The names of all event types that a domain stream holds, sorted.
    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>>;

    /// The order id of the last event, to read and to wait on.
    async fn head(&self) -> Result<Head>;
}

#[async_trait]
impl<P> EventStore for P
where
    P: Deref<Target: EventStore> + Debug + Send + Sync + 'static,
{
    fn capability(&self) -> Capability {
        (**self).capability()
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        (**self).append(append).await
    }

    async fn read(&self, read: Read) -> Result<Page> {
        (**self).read(read).await
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        (**self).load(load).await
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        (**self).streams(streams).await
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        (**self).event_types(domain).await
    }

    async fn head(&self) -> Result<Head> {
        (**self).head().await
    }
}
