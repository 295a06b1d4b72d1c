//! A segment's place and parked keys, as its one holder works with them.

use std::collections::{BTreeMap, HashSet};

use crate::domain::{EventId, Name, OrderId};
use crate::error::{ErrorKind, Result};
use crate::store::{Expect, StateWrite};
use crate::subscription::segment::{self, Places, Segment};
use crate::subscription::{Lease, Ledger};

use super::record::{MARK, PARKED, ParkedMark, ParkedRecord, event_key, put};

/// The place and the parked keys of one segment.
#[derive(Debug)]
pub(crate) struct Book {
    ledger: Ledger,
    segment: Segment,
    places: Places,
    parked: HashSet<Name>,
}

/// An event to be set aside.
#[derive(Clone, Debug)]
pub(crate) struct Park {
    /// The stream, tag or instance it belongs to.
    pub(crate) key: Name,
    pub(crate) order_id: OrderId,
    pub(crate) event_id: EventId,
    /// Why; `None` where it only waits behind one that failed.
    pub(crate) failure: Option<Failure>,
}

/// Why an event could not be handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) cause: String,
    pub(crate) attempts: u32,
}

/// What came of moving a place on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Committed {
    /// It is written.
    Done,
    /// Nothing is written: an event was to wait behind a key that is parked no more. Handle what was to wait for these.
    Freed(Vec<Name>),
}

impl Book {
    pub(super) fn new(ledger: Ledger, segment: Segment, places: Places, marks: Vec<Name>) -> Self {
        let parked = marks.into_iter().filter(|key| segment.contains(segment::hash(key))).collect();
        Self { ledger, segment, places, parked }
    }

    pub(crate) fn segment(&self) -> Segment {
        self.segment
    }

    /// Everything at or below was handled or parked.
    pub(crate) fn position(&self) -> OrderId {
        self.places.position()
    }

    /// Whether an event of a key is to be handled here: it is of this segment, and its key has not come so far.
    pub(crate) fn concerns(&self, key: &str, order_id: OrderId) -> bool {
        let hash = segment::hash(key);
        self.segment.contains(hash) && !self.places.passed(hash, order_id)
    }

    /// Whether later events of a key wait behind one that failed, as far as known here.
    pub(crate) fn is_parked(&self, key: &str) -> bool {
        self.parked.contains(key)
    }

    /// How many keys are parked, as far as known here.
    pub(crate) fn parked_keys(&self) -> usize {
        self.parked.len()
    }

    /// Moves the place up to `through` and sets events aside, in one write under the segment's lease.
    ///
    /// # Errors
    /// [`ErrorKind::StateConflict`] with the lease's key where another node has it, and the store's.
    pub(crate) async fn commit(
        &mut self,
        lease: &Lease,
        through: OrderId,
        parks: &[Park],
    ) -> Result<Committed> {
        let places = self.places.advanced(through);
        let mut by_key: BTreeMap<&Name, Vec<&Park>> = BTreeMap::new();
        for park in parks {
            by_key.entry(&park.key).or_default().push(park);
        }
        let keys: Vec<Name> = by_key.keys().map(|key| (*key).clone()).collect();
        loop {
            let mut batch = vec![self.ledger.put_places(self.segment, &places)?];
            let mut freed = Vec::new();
            for (key, parks) in &by_key {
                if !self.set_aside(key, parks, &mut batch).await? {
                    freed.push((*key).clone());
                }
            }
            if !freed.is_empty() {
                self.parked.retain(|key| !freed.contains(key));
                return Ok(Committed::Freed(freed));
            }
            match lease.write(batch).await {
                // Somebody tried the key again, or dropped its event, in between.
                Err(error) if matches!(error.kind(), ErrorKind::StateConflict { key } if key.space == MARK) =>
                    {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        self.places = places;
        self.parked.extend(keys);
        Ok(Committed::Done)
    }

    /// Adds what sets the events of a key aside; says whether they can wait: an event without a failure of its own
    /// needs a key that is parked.
    async fn set_aside(&self, key: &Name, parks: &[&Park], batch: &mut Vec<StateWrite>) -> Result<bool> {
        let Ledger { runtime, name } = &self.ledger;
        let mark = self.ledger.stored(&self.ledger.mark_key(key)).await?;
        let begins = parks.first().is_some_and(|park| park.failure.is_some());
        if mark.is_none() && !begins {
            return Ok(false);
        }
        let expect = mark.map_or(Expect::Absent, |record| Expect::Revision(record.revision));
        batch.push(put(self.ledger.mark_key(key), expect, &ParkedMark { key: key.to_string() })?);
        let since = runtime.clock.now().timestamp_micros();
        for park in parks {
            let place = event_key(PARKED, name, key, park.order_id);
            // Behind a replay an event may be there from before, with its cause.
            if self.ledger.stored(&place).await?.is_some() {
                continue;
            }
            let record = ParkedRecord {
                key: key.to_string(),
                order_id: park.order_id.0,
                event_id: park.event_id.to_string(),
                cause: park.failure.as_ref().map(|failure| failure.cause.clone()),
                attempts: park.failure.as_ref().map_or(0, |failure| failure.attempts),
                since,
            };
            batch.push(put(place, Expect::Any, &record)?);
        }
        Ok(true)
    }
}
