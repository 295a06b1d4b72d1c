//! A store that shows what is appended, and lets a test step in before an append or lose its answer.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use newton::domain::Name;
use newton::store::{
    Append, Appended, Capability, EventStore, Head, Load, Page, Read, Slice, Stores, StreamInfo, Streams,
};
use newton::{Error, ErrorKind, Result, StreamName};

#[derive(Clone)]
pub(crate) struct Watched(Arc<Inner>);

struct Inner {
    events: Arc<dyn EventStore>,
    capability: Capability,
    /// What was appended, each as the names of its streams.
    appends: Mutex<Vec<Vec<String>>>,
    reads: Mutex<Vec<String>>,
    /// Runs before the next append.
    intrusion: Mutex<Option<BoxFuture<'static, ()>>>,
    /// Whether the answer to the next append is lost.
    lossy: Mutex<bool>,
    /// One append at a time, in the order in which they come.
    turn: tokio::sync::Mutex<()>,
}

impl Watched {
    pub(crate) fn over(stores: &Stores) -> Self {
        Self::with(stores, stores.events.capability())
    }

    /// The same store, of which it is said that it can do less.
    pub(crate) fn with(stores: &Stores, capability: Capability) -> Self {
        Self(Arc::new(Inner {
            events: stores.events.clone(),
            capability,
            appends: Mutex::default(),
            reads: Mutex::default(),
            intrusion: Mutex::default(),
            lossy: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }))
    }

    pub(crate) fn stores(&self, stores: &Stores) -> Stores {
        Stores { events: Arc::new(self.clone()), ..stores.clone() }
    }

    /// The appends since the last call.
    pub(crate) fn appends(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.0.appends.lock().unwrap())
    }

    /// The streams that were read from or loaded since the last call.
    pub(crate) fn reads(&self) -> Vec<String> {
        std::mem::take(&mut self.0.reads.lock().unwrap())
    }

    pub(crate) fn before_the_next_append(&self, intrusion: impl Future<Output = ()> + Send + 'static) {
        *self.0.intrusion.lock().unwrap() = Some(Box::pin(intrusion));
    }

    pub(crate) fn lose_the_next_answer(&self) {
        *self.0.lossy.lock().unwrap() = true;
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched")
    }
}

#[async_trait]
impl EventStore for Watched {
    fn capability(&self) -> Capability {
        self.0.capability
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        let _turn = self.0.turn.lock().await;
        let intrusion = self.0.intrusion.lock().unwrap().take();
        if let Some(intrusion) = intrusion {
            intrusion.await;
        }
        self.0.capability.admit(&append)?;
        let streams = append.streams.iter().map(|stream| stream.stream.to_string()).collect();
        let appended = self.0.events.append(append).await?;
        self.0.appends.lock().unwrap().push(streams);
        if std::mem::take(&mut *self.0.lossy.lock().unwrap()) {
            return Err(Error::new(ErrorKind::Unavailable, "append", "the answer is lost"));
        }
        Ok(appended)
    }

    async fn read(&self, read: Read) -> Result<Page> {
        self.0.reads.lock().unwrap().push(format!("{:?}", read.selection));
        self.0.events.read(read).await
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        self.0.reads.lock().unwrap().push(load.stream.to_string());
        self.0.events.load(load).await
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        self.0.events.streams(streams).await
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        self.0.events.event_types(domain).await
    }

    async fn head(&self) -> Result<Head> {
        self.0.events.head().await
    }
}
