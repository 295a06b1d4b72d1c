//! Short reads on the thread of whoever asks: a page of one stream for folding, and one state record.
//!
//! To wake another thread and be woken by it costs more than such a read, which is bounded and most often finds its
//! pages in memory. Everything longer goes to the reading threads.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::BytesMut;
use rusqlite::{Connection, OptionalExtension, Row};

use super::codec::{self, signed, text, unsigned};
use super::failure::Outcome;
use super::reader::{TypeNames, state_record};
use super::{SqliteOptions, connection};
use crate::domain::envelope::TOMBSTONE;
use crate::domain::{FoldEvent, Name, Version};
use crate::error::Result;
use crate::store::{Load, Slice, StateKey, StateRecord};
use crate::sync::lock;

/// The most events of a page: what a thread that also runs other tasks may spend on one read.
const PAGE_EVENTS: usize = 1_024;

/// The most payload bytes of a page, unless one event has more.
const PAGE_BYTES: usize = 1024 * 1024;

const EVENTS: &str = "SELECT version, type_id, schema, payload, encoding, key_id FROM events
 WHERE stream_id = ?1 AND version > ?2 ORDER BY version LIMIT ?3";

/// Connections for short reads, one for each thread that is likely to ask at the same time.
pub(super) struct InPlace {
    places: Vec<Mutex<Place>>,
    next: AtomicUsize,
    file: Arc<Path>,
}

/// A connection and what it remembers.
struct Place {
    connection: Connection,
    types: TypeNames,
    /// The events and payload bytes of the last page: the next one may well be as large.
    last_page: (usize, usize),
}

impl InPlace {
    pub(super) fn open(file: &Arc<Path>, options: &SqliteOptions) -> Result<Self> {
        let open = |_| match connection::reader(file, options, options.cache_bytes) {
            Ok(connection) => {
                Ok(Mutex::new(Place { connection, types: TypeNames::default(), last_page: (0, 0) }))
            }
            Err(failure) => Err(failure.into_error("open store", file)),
        };
        let places = (0..options.readers.max(1)).map(open).collect::<Result<_>>()?;
        Ok(Self { places, next: AtomicUsize::new(0), file: Arc::clone(file) })
    }

    /// A page of a stream.
    pub(super) fn load(&self, load: &Load) -> Result<Slice> {
        connection::in_transaction(&mut *self.place(), |place| &place.connection, |place| place.load(load))
            .map_err(|failure| failure.into_error("load", &self.file))
    }

    /// The record under a key.
    pub(super) fn state(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        self.place().state(key).map_err(|failure| failure.into_error("get state", &self.file))
    }

    /// A connection that nobody uses, or the next one in turn.
    fn place(&self) -> MutexGuard<'_, Place> {
        let free = self.places.iter().find_map(|place| place.try_lock().ok());
        free.unwrap_or_else(|| {
            let turn = self.next.fetch_add(1, Relaxed) % self.places.len();
            lock(&self.places[turn])
        })
    }
}

/// A stream that has events.
struct Stream {
    id: i64,
    deleted: bool,
}

impl Place {
    fn load(&mut self, load: &Load) -> Outcome<Slice> {
        let Some(stream) = self.stream(load)? else {
            return Ok(Slice { events: Vec::new(), version: Version::EMPTY, deleted: false });
        };
        let (events, ended) = self.events(&stream, load.after, load.limit.min(PAGE_EVENTS))?;
        let version = match events.last() {
            Some(last) if ended => last.version,
            _ => self.live_version(&stream)?,
        };
        Ok(Slice { events, version, deleted: stream.deleted })
    }

    fn stream(&self, load: &Load) -> Outcome<Option<Stream>> {
        let mut find =
            self.connection.prepare_cached("SELECT stream_id, deleted FROM streams WHERE name = ?1")?;
        let found = find.query_row([text(load.stream.as_str())], |row| {
            Ok(Stream { id: row.get(0)?, deleted: row.get(1)? })
        });
        Ok(found.optional()?)
    }

    /// The events of a page, and whether the stream ends with them.
    fn events(&mut self, stream: &Stream, after: Version, limit: usize) -> Outcome<(Vec<FoldEvent>, bool)> {
        let Self { connection, types, last_page } = self;
        let mut select = connection.prepare_cached(EVENTS)?;
        let mut rows = select.query((stream.id, signed(after.0), signed(limit as u64)))?;
        let mut events = Vec::with_capacity(last_page.0.min(limit));
        let mut buffer = BytesMut::with_capacity(last_page.1);
        let (mut ended, mut bytes) = (true, 0);
        while let Some(row) = rows.next()? {
            let event_type = types.of(connection, row.get(1)?)?.name.clone();
            let event = fold_event(row, event_type, &mut buffer)?;
            if stream.deleted && event.event_type == TOMBSTONE {
                continue;
            }
            bytes += event.payload.len();
            events.push(event);
            if events.len() == limit || bytes >= PAGE_BYTES {
                ended = false;
                break;
            }
        }
        *last_page = (events.len(), bytes);
        Ok((events, ended))
    }

    /// The version of the last event that is not a tombstone.
    fn live_version(&self, stream: &Stream) -> Outcome<Version> {
        let mut last =
            self.connection.prepare_cached("SELECT max(version) FROM events WHERE stream_id = ?1")?;
        let last = last.query_row([stream.id], |row| Ok(unsigned(row.get_ref(0)?)))??;
        Ok(Version(last - u64::from(stream.deleted)))
    }

    fn state(&self, key: &StateKey) -> Outcome<Option<StateRecord>> {
        let sql = "SELECT key, revision, value FROM state WHERE space = ?1 AND key = ?2";
        let mut find = self.connection.prepare_cached(sql)?;
        let key = (text(&key.space), text(&key.key));
        find.query_row(key, |row| Ok(state_record(row))).optional()?.transpose()
    }
}

/// The event of a row of [`EVENTS`], whose payload is cut off the page's one buffer.
fn fold_event(row: &Row<'_>, event_type: Name, buffer: &mut BytesMut) -> Outcome<FoldEvent> {
    let value = |index| row.get_ref(index);
    Ok(FoldEvent {
        version: Version(unsigned(value(0)?)?),
        event_type,
        schema: codec::read_schema(value(2)?)?,
        payload: codec::cut_payload(value(3)?, || Ok((value(4)?, value(5)?)), buffer)?,
    })
}
