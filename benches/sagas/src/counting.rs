//! An event store that counts its appends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use newton::domain::Name;
use newton::store::{
    Append, Appended, Capability, EventStore, Head, Load, Page, Read, Slice, Stores, StreamInfo, Streams,
};
use newton::{Result, StreamName};

#[derive(Clone, Debug)]
pub struct Counting {
    events: Arc<dyn EventStore>,
    appends: Arc<AtomicU64>,
}

impl Counting {
    /// The same stores, with a count of the appends.
    pub fn over(stores: &Stores) -> (Stores, Self) {
        let counting = Self { events: stores.events.clone(), appends: Arc::default() };
        (Stores { events: Arc::new(counting.clone()), ..stores.clone() }, counting)
    }

    pub fn appends(&self) -> u64 {
        self.appends.load(Relaxed)
    }
}

#[async_trait]
impl EventStore for Counting {
    fn capability(&self) -> Capability {
        self.events.capability()
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        self.appends.fetch_add(1, Relaxed);
        self.events.append(append).await
    }

    async fn read(&self, read: Read) -> Result<Page> {
        self.events.read(read).await
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        self.events.load(load).await
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        self.events.streams(streams).await
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        self.events.event_types(domain).await
    }

    async fn head(&self) -> Result<Head> {
        self.events.head().await
    }
}
