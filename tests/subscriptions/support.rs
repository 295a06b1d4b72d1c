//! What the tests of subscriptions share: writing, collecting, and a store that counts and fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use newton::domain::{Clock, Name, NewEvent, SystemClock, Tag};
use newton::store::{
    Append, Appended, Capability, EventStore, Head, Load, Page, Read, Slice, StreamInfo, Streams,
};
use newton::subscription::Subscription;
use newton::{Error, ErrorKind, ExpectedVersion, OrderId, Payload, Result, StreamName};

pub(super) fn stream(name: &str) -> StreamName {
    StreamName::parse(name).unwrap()
}

pub(super) fn event(event_type: &'static str, tag: Option<&str>) -> NewEvent {
    let tags = tag.map(|value| Tag::new("order", value)).into_iter().collect();
    NewEvent { tags, ..NewEvent::new(Name::from_static(event_type), Payload::of(&1).unwrap()) }
}

pub(super) async fn append(store: &impl EventStore, name: &str, events: Vec<NewEvent>) -> OrderId {
    let append = Append::to(stream(name), ExpectedVersion::Any, events, SystemClock.now());
    store.append(append).await.unwrap().order_id
}

pub(super) async fn append_one(store: &impl EventStore, name: &str) -> OrderId {
    append(store, name, vec![event("Noted", None)]).await
}

/// So many plain events in one stream, in few appends.
pub(super) async fn append_many(store: &impl EventStore, name: &str, count: usize) {
    let mut left = count;
    while left > 0 {
        let now = left.min(1_000);
        append(store, name, (0..now).map(|_| event("Noted", None)).collect()).await;
        left -= now;
    }
}

/// Ends a test that would wait for ever.
pub(super) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(2), future).await.expect("it comes to an end")
}

pub(super) async fn next(subscription: &mut Subscription) -> OrderId {
    let next = in_time(subscription.next()).await;
    next.expect("the subscription goes on").expect("it is not disturbed").order_id
}

pub(super) async fn take(subscription: &mut Subscription, count: usize) -> Vec<OrderId> {
    let mut taken = Vec::with_capacity(count);
    while taken.len() < count {
        taken.push(next(subscription).await);
    }
    taken
}

/// Lets everything that can run get its turn; for what is then asserted to have stayed away.
pub(super) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Waits until something holds.
pub(super) async fn until(mut holds: impl FnMut() -> bool) {
    in_time(async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A store that counts its reads and can be told to fail.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) reads: AtomicU64,
    /// Every so many reads one fails.
    pub(super) fail_every: AtomicU64,
    pub(super) panic: AtomicBool,
    pub(super) closed: AtomicBool,
}

impl Watched {
    pub(super) fn new(store: Arc<dyn EventStore>) -> Arc<Self> {
        Arc::new(Self {
            store,
            reads: AtomicU64::new(0),
            fail_every: AtomicU64::new(0),
            panic: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

#[async_trait::async_trait]
impl EventStore for Watched {
    fn capability(&self) -> Capability {
        self.store.capability()
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        self.store.append(append).await
    }

    async fn read(&self, read: Read) -> Result<Page> {
        let number = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        let every = self.fail_every.load(Ordering::Relaxed);
        assert!(!self.panic.swap(false, Ordering::Relaxed), "told to panic");
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Closed, "read", "told to be closed"));
        }
        if every > 0 && number.is_multiple_of(every) {
            return Err(Error::new(ErrorKind::Unavailable, "read", "told to fail"));
        }
        self.store.read(read).await
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        self.store.load(load).await
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        self.store.streams(streams).await
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        self.store.event_types(domain).await
    }

    async fn head(&self) -> Result<Head> {
        self.store.head().await
    }
}
