//! The virtual channels that are open, and those that were lately.
//!
//! What arrives for one that has ended is late or a mistake. A channel is gone at the side that ends it at once, and the peer, which does
//! not know yet, goes on with what it was saying. But nobody speaks after his own end, and nobody begins the same conversation twice:
//! that is an id used again.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use lru::LruCache;
use uuid::Uuid;

use super::super::half::Ending;
use super::super::queue::{Queue, Total};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::codec::Limits;
use crate::muon::message::{Label, Message};
use crate::muon::protocol::step;
use crate::sync::lock;

/// How many ended channels are remembered, so that what arrives late for one of them opens no new one.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

#[derive(Debug)]
pub(super) struct Table {
    inner: Mutex<Inner>,
    limits: Limits,
    /// What waits in all of them.
    total: Arc<Total>,
}

#[derive(Debug)]
struct Inner {
    open: HashMap<Uuid, Arc<Virtual>>,
    ended: LruCache<Uuid, Past>,
    ending: Option<Ending>,
}

/// What both halves of a virtual channel share.
#[derive(Debug)]
pub(super) struct Virtual {
    /// What has arrived and is not read yet.
    pub(super) incoming: Arc<Queue>,
    ending: OnceLock<Ending>,
    opening: Option<Opening>,
    /// Whether the step of the opening has come again, so that it tells no beginning.
    is_opening_repeated: AtomicBool,
}

/// The protocol and the step with which a peer opened a channel.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    protocol: Label,
    step: Label,
}

/// What is remembered of a channel that has ended.
#[derive(Clone, Debug)]
pub(super) struct Past {
    /// None where it was opened here, or what opened it could not be read.
    opening: Option<Opening>,
    is_opening_repeated: bool,
    is_ended_by_peer: bool,
}

impl Opening {
    pub(super) fn of(message: &Message) -> Self {
        Self { protocol: message.protocol.clone(), step: message.step.clone() }
    }
}

impl Past {
    /// Whether a message may have been sent before the peer knew of the end.
    pub(super) fn explains(&self, message: &Message) -> bool {
        let Some(opening) = &self.opening else { return true };
        let begins = message.step == opening.step && !self.is_opening_repeated;
        let belongs = message.protocol == opening.protocol && !begins;
        let is_early_enough = !self.is_ended_by_peer || message.is_closing();
        (belongs || message.protocol == step::MUON) && is_early_enough
    }
}

impl Virtual {
    /// Takes a message of the peer, or gives it back where there is no room.
    pub(super) fn take(&self, message: Message) -> Result<Option<Message>> {
        let is_repeated = self.opening.as_ref().is_some_and(|opening| opening.step == message.step);
        if is_repeated && self.incoming.count().0 > 0 {
            self.is_opening_repeated.store(true, Ordering::Relaxed);
        }
        self.incoming.try_push(message)
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
    Ended(Past),
    Never,
}

impl Table {
    pub(super) fn new(limits: Limits) -> Self {
        let inner = Inner { open: HashMap::new(), ended: LruCache::new(REMEMBERED), ending: None };
        let total = Arc::new(Total::new(limits.shared_bytes));
        Self { inner: Mutex::new(inner), limits, total }
    }

    /// Puts a new channel in.
    pub(super) fn insert(&self, id: Uuid, opening: Option<Opening>) -> Result<Arc<Virtual>> {
        let mut inner = self.lock();
        if let Some(ending) = &inner.ending {
            return Err(ending.refusal());
        }
        if inner.open.len() >= self.limits.shared_channels {
            let message = "too many channels are open to this peer; close some first";
            return Err(Error::new(ErrorKind::Unavailable, "open a channel", message)
                .with("limit", self.limits.shared_channels));
        }
        let incoming = Arc::new(Queue::new(&self.limits, Some(self.total.clone())));
        let channel = Arc::new(Virtual {
            incoming,
            ending: OnceLock::new(),
            opening,
            is_opening_repeated: AtomicBool::new(false),
        });
        inner.open.insert(id, channel.clone());
        Ok(channel)
    }

    pub(super) fn find(&self, id: Uuid) -> Known {
        let inner = self.lock();
        match (inner.open.get(&id), inner.ended.peek(&id)) {
            (Some(channel), _) => Known::Open(channel.clone()),
            (None, Some(past)) => Known::Ended(past.clone()),
            (None, None) => Known::Never,
        }
    }

    /// Takes one out, and remembers it. Whether it was there.
    pub(super) fn remove(&self, id: Uuid, is_ended_by_peer: bool) -> bool {
        let mut inner = self.lock();
        let Some(channel) = inner.open.remove(&id) else { return false };
        let is_opening_repeated = channel.is_opening_repeated.load(Ordering::Relaxed);
        inner.ended.put(id, Past { opening: channel.opening.clone(), is_opening_repeated, is_ended_by_peer });
        true
    }

    /// Remembers one that the peer may not open.
    pub(super) fn refuse(&self, id: Uuid, opening: Option<Opening>) {
        let past = Past { opening, is_opening_repeated: false, is_ended_by_peer: false };
        self.lock().ended.put(id, past);
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
        lock(&self.inner)
    }
}
