//! Where each stream is: asked from the index once, then remembered.

use std::num::NonZeroUsize;

use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, Statement};

use crate::domain::StreamName;
use crate::store::sqlite::codec::text;

/// Streams that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// A stream that has events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) id: i64,
    pub(super) domain: i64,
    pub(super) version: i64,
    pub(super) deleted: bool,
}

pub(super) struct KnownStreams<'c> {
    find: Statement<'c>,
    add: Statement<'c>,
    mark_deleted: Statement<'c>,
    remembered: LruCache<StreamName, Stream>,
}

impl<'c> KnownStreams<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: connection.prepare(
                "SELECT stream_id, domain_id, deleted,
                   (SELECT max(version) FROM events e WHERE e.stream_id = s.stream_id)
                 FROM streams s WHERE name = ?1",
            )?,
            add: connection.prepare("INSERT INTO streams (domain_id, name) VALUES (?1, ?2)")?,
            mark_deleted: connection.prepare("UPDATE streams SET deleted = 1 WHERE stream_id = ?1")?,
            remembered: LruCache::new(REMEMBERED),
        })
    }

    pub(super) fn forget(&mut self) {
        self.remembered.clear();
    }

    /// Where a stream is; `None` where it has no events.
    pub(super) fn find(&mut self, name: &StreamName) -> rusqlite::Result<Option<Stream>> {
        if let Some(stream) = self.remembered.get(name) {
            return Ok(Some(*stream));
        }
        let found = self.find.query_row([text(name.as_str())], |row| {
            let version: Option<i64> = row.get(3)?;
            Ok(Stream {
                id: row.get(0)?,
                domain: row.get(1)?,
                deleted: row.get(2)?,
                version: version.unwrap_or(0),
            })
        });
        let found = found.optional()?;
        if let Some(stream) = found {
            self.remembered.put(name.clone(), stream);
        }
        Ok(found)
    }

    /// Makes a stream; its first event follows in the same transaction.
    pub(super) fn add(&mut self, name: &StreamName, domain: i64) -> rusqlite::Result<Stream> {
        // `RETURNING` would make SQLite keep a journal for the statement.
        let id = self.add.insert((domain, text(name.as_str())))?;
        Ok(Stream { id, domain, version: 0, deleted: false })
    }

    /// Remembers where a stream is after an append.
    pub(super) fn advance(&mut self, name: &StreamName, stream: Stream) -> rusqlite::Result<()> {
        if stream.deleted {
            self.mark_deleted.execute([stream.id])?;
        }
        match self.remembered.get_mut(name) {
            Some(remembered) => *remembered = stream,
            None => {
                self.remembered.put(name.clone(), stream);
            }
        }
        Ok(())
    }
}
