//! A bounded number of lanes, and with them of folded states.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lru::LruCache;

use crate::domain::{Aggregate, AggregateId};
use crate::repository::fold::Fold;
use crate::repository::lane::Lane;
use crate::sync::lock;

/// How often a folded state was found in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Commands and loads that began from a folded state in memory.
    pub hits: u64,
    /// Those that began from the store.
    pub misses: u64,
}

/// Lanes by aggregate, the least recently used given up first.
///
/// A lane that is given up while it works goes on; should a second one come to be beside it, the store's expected
/// versions keep both right.
pub(crate) struct Cache<A: Aggregate> {
    lanes: Mutex<LruCache<AggregateId, Arc<Lane<A>>>>,
    keeps_states: bool,
    epoch: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// Lanes that exist even where no states are kept, so that commands to one aggregate still queue.
const FEWEST_LANES: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

impl<A: Aggregate> Cache<A> {
    pub(crate) fn new(capacity: usize) -> Self {
        let lanes = NonZeroUsize::new(capacity).unwrap_or(FEWEST_LANES);
        // `unbounded` and an own bound: the bounded constructor reserves all of its memory at once.
        let mut cache = LruCache::unbounded();
        cache.resize(lanes);
        Self {
            lanes: Mutex::new(cache),
            keeps_states: capacity > 0,
            epoch: AtomicU64::default(),
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
        }
    }

    /// The lane of an aggregate, made if there is none.
    pub(crate) fn lane(&self, id: AggregateId) -> Arc<Lane<A>> {
        let mut lanes = lock(&self.lanes);
        if let Some(lane) = lanes.get(&id) {
            return lane.clone();
        }
        let lane = Arc::new(Lane::new(id.clone()));
        lanes.put(id, lane.clone());
        lane
    }

    /// The lane of an aggregate, if there is one.
    pub(crate) fn find(&self, id: &AggregateId) -> Option<Arc<Lane<A>>> {
        lock(&self.lanes).get(id).cloned()
    }

    /// Gives up the state of one aggregate.
    pub(crate) fn forget(&self, id: &AggregateId) {
        lock(&self.lanes).pop(id);
    }

    /// Gives up every state, those that are being loaded or worked with included.
    pub(crate) fn clear(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        lock(&self.lanes).clear();
    }

    /// Grows whenever all states are given up.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Whether a state may be kept.
    pub(crate) fn keeps(&self, fold: &Fold<A>) -> bool {
        self.keeps_states && fold.epoch == self.epoch()
    }

    pub(crate) fn count(&self, hit: bool) {
        let counter = if hit { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> CacheStats {
        CacheStats { hits: self.hits.load(Ordering::Relaxed), misses: self.misses.load(Ordering::Relaxed) }
    }
}
