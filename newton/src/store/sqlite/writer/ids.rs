//! Which event ids are taken.
//!
//! Ids that Newton makes sort by time, so that new ones fall behind all older ones. The writer therefore remembers a
//! window of ids: the space between two ids of the file, and every id it has put there itself. An id in the window is
//! new unless it is remembered, which saves a search of the index for every event.

use std::collections::HashSet;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Statement};

use crate::domain::EventId;
use crate::domain::id::Id;
use crate::store::Append;
use crate::store::sqlite::codec;

/// Remembered ids at which the older half is forgotten.
const MOST: usize = 65_536;

/// Where a known event is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) order_id: i64,
    pub(super) stream_id: i64,
    pub(super) version: i64,
}

pub(super) struct Ids<'c> {
    find: Statement<'c>,
    below: Statement<'c>,
    above: Statement<'c>,
    window: Window,
}

/// Every stored UUID between the bounds, both exclusive, is in `taken`.
#[derive(Default)]
struct Window {
    low: u128,
    high: u128,
    taken: HashSet<u128>,
}

impl<'c> Ids<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: connection
                .prepare("SELECT order_id, stream_id, version FROM events WHERE event_id = ?1")?,
            below: connection.prepare("SELECT max(event_id) FROM events WHERE event_id <= ?1")?,
            above: connection.prepare("SELECT min(event_id) FROM events WHERE event_id > ?1")?,
            window: Window::default(),
        })
    }

    pub(super) fn forget(&mut self) {
        self.window = Window::default();
    }

    /// Where the event with this id is.
    pub(super) fn find(&mut self, id: &EventId) -> rusqlite::Result<Option<Place>> {
        let place = self.find.query_row([codec::id(&id.0)], |row| {
            Ok(Place { order_id: row.get(0)?, stream_id: row.get(1)?, version: row.get(2)? })
        });
        place.optional()
    }

    /// Takes all ids of an append if none is taken yet, and none stands in it twice.
    pub(super) fn take(&mut self, append: &Append) -> rusqlite::Result<bool> {
        self.move_window(append)?;
        let mut others = HashSet::new();
        for (count, id) in ids(append).enumerate() {
            let new = match self.window.key(id) {
                Some(key) => self.window.taken.insert(key),
                None => others.insert(id) && self.find(id)?.is_none(),
            };
            if !new {
                self.give_back(append, count);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes back what [`take`](Self::take) did for the first `count` ids of an append that is not written.
    pub(super) fn give_back(&mut self, append: &Append, count: usize) {
        for id in ids(append).take(count) {
            if let Some(key) = self.window.key(id) {
                self.window.taken.remove(&key);
            }
        }
    }

    /// Moves the window to where the append's first id is, if it is elsewhere.
    fn move_window(&mut self, append: &Append) -> rusqlite::Result<()> {
        let Some(Id::Uuid(first)) = ids(append).next().map(|id| &id.0) else { return Ok(()) };
        if self.window.covers(first.as_u128()) {
            self.window.shrink();
            return Ok(());
        }
        let bound = |statement: &mut Statement<'_>, otherwise| {
            let id = codec::Bind(ValueRef::Blob(first.as_bytes()));
            statement.query_row([id], |row| match row.get_ref(0)? {
                ValueRef::Blob(bytes) => Ok(bytes.try_into().map_or(otherwise, u128::from_be_bytes)),
                _ => Ok(otherwise),
            })
        };
        let low = bound(&mut self.below, 0)?;
        let high = bound(&mut self.above, u128::MAX)?;
        self.window = Window { low, high, taken: HashSet::new() };
        Ok(())
    }
}

impl Window {
    fn covers(&self, key: u128) -> bool {
        self.low < key && key < self.high
    }

    /// The id as the window counts it, if it falls into it.
    fn key(&self, id: &EventId) -> Option<u128> {
        match &id.0 {
            Id::Uuid(uuid) => Some(uuid.as_u128()).filter(|key| self.covers(*key)),
            Id::Text(_) => None,
        }
    }

    /// Gives up the lower part of a window that holds many ids.
    fn shrink(&mut self) {
        if self.taken.len() < MOST {
            return;
        }
        let mut taken: Vec<u128> = self.taken.drain().collect();
        let (_, middle, upper) = taken.select_nth_unstable(MOST / 2);
        self.low = *middle;
        self.taken.extend(upper.iter());
    }
}

fn ids(append: &Append) -> impl Iterator<Item = &EventId> {
    append.streams.iter().flat_map(|stream| &stream.events).map(|event| &event.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_shrinks_forgets_only_what_it_no_longer_covers() {
        let all = 1..=MOST as u128;
        let mut window = Window { low: 0, high: u128::MAX, taken: all.clone().collect() };
        window.shrink();
        assert!(window.taken.len() < MOST && window.taken.contains(&(MOST as u128)));
        for key in all {
            assert_eq!(window.covers(key), window.taken.contains(&key));
        }
    }
}
