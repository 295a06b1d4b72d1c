//! The virtual channels that are open, and those that were lately.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use lru::LruCache;
use uuid::Uuid;

use super::super::half::Ending;
use super::super::queue::Queue;
use crate::error::{Error, ErrorKind, Result};

/// How many ended channels are remembered, so that what arrives late for one of them opens no new one.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

#[derive(Debug)]
pub(super) struct Table {
    inner: Mutex<Inner>,
    limit: usize,
}

#[derive(Debug)]
struct Inner {
    open: HashMap<Uuid, Arc<Virtual>>,
    ended: LruCache<Uuid, ()>,
    ending: Option<Ending>,
}

/// What both halves of a virtual channel share.
#[derive(Debug)]
pub(super) struct Virtual {
    /// What has arrived and is not read yet.
    pub(super) incoming: Arc<Queue>,
    ending: OnceLock<Ending>,
}

impl Virtual {
    pub(super) fn new(capacity: usize) -> Self {
        Self { incoming: Arc::new(Queue::new(capacity)), ending: OnceLock::new() }
    }

    /// Ends it at this side. Whether it is the first ending, the one that counts.
    pub(super) fn end(&self, ending: &Ending) -> bool {
        let is_first = self.ending.set(ending.clone()).is_ok();
        self.incoming.end(ending);
        is_first
    }

    pub(super) fn ending(&self) -> Option<&Ending> {
        self.ending.get()
    }
}

/// What is known of a virtual channel.
pub(super) enum Known {
    Open(Arc<Virtual>),
    Ended,
    Never,
}

impl Table {
    pub(super) fn new(limit: usize) -> Self {
        let inner = Inner { open: HashMap::new(), ended: LruCache::new(REMEMBERED), ending: None };
        Self { inner: Mutex::new(inner), limit }
    }

    pub(super) fn insert(&self, id: Uuid, channel: &Arc<Virtual>) -> Result<()> {
        let mut inner = self.lock();
        if let Some(ending) = &inner.ending {
            return Err(ending.refusal());
        }
        if inner.open.len() >= self.limit {
            let message = "too many channels are open to this peer; close some first";
            return Err(
                Error::new(ErrorKind::Unavailable, "open a channel", message).with("limit", self.limit)
            );
        }
        inner.open.insert(id, channel.clone());
        Ok(())
    }

    pub(super) fn find(&self, id: Uuid) -> Known {
        let inner = self.lock();
        match inner.open.get(&id) {
            Some(channel) => Known::Open(channel.clone()),
            None if inner.ended.contains(&id) => Known::Ended,
            None => Known::Never,
        }
    }

    /// Takes one out, and remembers that it was there. Whether it was.
    pub(super) fn remove(&self, id: Uuid) -> bool {
        let mut inner = self.lock();
        inner.ended.put(id, ());
        inner.open.remove(&id).is_some()
    }

    /// Ends all of them; none can be opened any more.
    pub(super) fn end(&self, ending: &Ending) {
        let mut inner = self.lock();
        inner.ending.get_or_insert_with(|| ending.clone());
        let open = std::mem::take(&mut inner.open);
        drop(inner);
        for channel in open.values() {
            channel.end(ending);
        }
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.lock().ending.clone()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().open.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
