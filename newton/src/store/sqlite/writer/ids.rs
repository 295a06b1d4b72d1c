//! Which event ids are taken.
//!
//! New ids are not looked up: the unique index refuses one that is taken, and the batch begins again with
//! [`Ids::any_taken`] asked for every append. Appends that are delivered twice are rare, new ones are not.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Statement};

use crate::domain::EventId;
use crate::store::Append;
use crate::store::sqlite::codec;

/// Where a known event is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) order_id: i64,
    pub(super) stream_id: i64,
    pub(super) version: i64,
    /// In microseconds.
    pub(super) time: i64,
}

pub(super) struct Ids<'c> {
    find: Statement<'c>,
}

impl<'c> Ids<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT order_id, stream_id, version, time FROM events WHERE event_id = ?1";
        Ok(Self { find: connection.prepare(sql)? })
    }

    /// Where the event with this id is.
    pub(super) fn find(&mut self, id: &EventId) -> rusqlite::Result<Option<Place>> {
        let place = self.find.query_row([codec::id(&id.0)], |row| {
            let (order_id, stream_id) = (row.get(0)?, row.get(1)?);
            Ok(Place { order_id, stream_id, version: row.get(2)?, time: row.get(3)? })
        });
        place.optional()
    }

    /// Whether an id of the append is taken, by a stored event or by another one of the append.
    pub(super) fn any_taken(&mut self, append: &Append) -> rusqlite::Result<bool> {
        let mut seen = HashSet::new();
        for event in append.streams.iter().flat_map(|stream| &stream.events) {
            if !seen.insert(&event.id) || self.find(&event.id)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
