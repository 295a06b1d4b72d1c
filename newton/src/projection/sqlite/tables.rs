//! Newton's own tables in the file of a projection: checkpoint, lease fence and parked keys.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::{EventId, Fingerprint, Name, OrderId, Timestamp};
use crate::error::{Error, ErrorKind};
use crate::projection::parked::{GivenUp, Note};
use crate::store::StateKey;
use crate::store::sqlite::of_sqlite;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS newton_projections (
  name TEXT PRIMARY KEY,
  fingerprint INTEGER,         -- of the code that made the tables; NULL where it is not known
  checkpoint INTEGER NOT NULL, -- the order id up to which everything was applied or parked
  epoch INTEGER NOT NULL       -- of the lease: whoever has an earlier one cannot write
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS newton_projections_last (
  name TEXT PRIMARY KEY,
  order_id INTEGER NOT NULL,   -- of an event that was applied or parked, the last one where nothing was cut off
  event_id TEXT NOT NULL       -- its id: a log that has another one there is not the log the data was made from
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS newton_projections_parked (
  projection TEXT NOT NULL,
  order_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  event_id TEXT NOT NULL,
  cause TEXT,                  -- NULL where it only waits behind one that failed
  attempts INTEGER NOT NULL,
  since INTEGER NOT NULL,      -- microseconds since 1970, UTC
  PRIMARY KEY (projection, order_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS newton_projections_parked_by_key
  ON newton_projections_parked (projection, key, order_id);
CREATE TABLE IF NOT EXISTS newton_projections_dropped (
  projection TEXT NOT NULL,
  order_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  event_id TEXT NOT NULL,
  cause TEXT,
  attempts INTEGER NOT NULL,
  since INTEGER NOT NULL,
  reason TEXT NOT NULL,
  time INTEGER NOT NULL,       -- when it was given up, as the one before
  PRIMARY KEY (projection, order_id)
) WITHOUT ROWID;";

/// What the file says of a projection.
pub(super) struct Row {
    pub(super) fingerprint: Option<i64>,
    pub(super) checkpoint: OrderId,
    pub(super) epoch: u64,
}

/// Newton's tables of one projection.
#[derive(Clone, Debug)]
pub(super) struct Tables(pub(super) &'static str);

type Outcome<T> = rusqlite::Result<T>;

impl Tables {
    pub(super) fn create(connection: &Connection) -> Outcome<()> {
        connection.execute_batch(TABLES)
    }

    /// Whether the projection has begun in this file.
    pub(super) fn is_there(&self, connection: &Connection) -> Outcome<bool> {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'newton_projections'";
        let tables: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        Ok(tables > 0 && self.row(connection)?.is_some())
    }

    pub(super) fn row(&self, connection: &Connection) -> Outcome<Option<Row>> {
        let sql = "SELECT fingerprint, checkpoint, epoch FROM newton_projections WHERE name = ?";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Row {
                fingerprint: row.get(0)?,
                checkpoint: OrderId(row.get::<_, i64>(1)?.cast_unsigned()),
                epoch: row.get::<_, i64>(2)?.cast_unsigned(),
            })
        };
        connection.prepare_cached(sql)?.query_row([self.0], read).optional()
    }

    pub(super) fn insert(&self, connection: &Connection, made_by: Fingerprint, epoch: u64) -> Outcome<()> {
        let sql = "INSERT INTO newton_projections (name, fingerprint, checkpoint, epoch) VALUES (?, ?, 0, ?)";
        let fingerprint = number(made_by);
        connection.execute(sql, params![self.0, fingerprint, epoch.cast_signed()]).map(drop)
    }

    pub(super) fn raise_epoch(&self, connection: &Connection, epoch: u64) -> Outcome<()> {
        let sql = "UPDATE newton_projections SET epoch = ? WHERE name = ?";
        connection.execute(sql, params![epoch.cast_signed(), self.0]).map(drop)
    }

    /// Moves the checkpoint; says whether the file is still as whoever holds `epoch` left it.
    pub(super) fn advance(
        &self,
        connection: &Connection,
        epoch: u64,
        from: OrderId,
        to: OrderId,
    ) -> Outcome<bool> {
        let sql = "UPDATE newton_projections SET checkpoint = ?4 WHERE name = ?1 AND epoch = ?2 AND checkpoint = ?3";
        let parameters = params![self.0, epoch.cast_signed(), from.0.cast_signed(), to.0.cast_signed()];
        Ok(connection.prepare_cached(sql)?.execute(parameters)? == 1)
    }

    /// Keeps the id of an event that was taken in.
    pub(super) fn note_last(&self, connection: &Connection, at: OrderId, event: &EventId) -> Outcome<()> {
        let sql =
            "INSERT OR REPLACE INTO newton_projections_last (name, order_id, event_id) VALUES (?, ?, ?)";
        let parameters = params![self.0, at.0.cast_signed(), event.to_string()];
        connection.prepare_cached(sql)?.execute(parameters).map(drop)
    }

    /// The event whose id is kept, if there is one: files of before this was kept have none.
    pub(super) fn last(&self, connection: &Connection) -> Outcome<Option<(OrderId, EventId)>> {
        if !connection.table_exists(None, "newton_projections_last")? {
            return Ok(None);
        }
        let sql = "SELECT order_id, event_id FROM newton_projections_last WHERE name = ?";
        let read = |row: &rusqlite::Row<'_>| {
            let event = EventId::from(row.get::<_, String>(1)?.as_str());
            Ok((OrderId(row.get::<_, i64>(0)?.cast_unsigned()), event))
        };
        connection.prepare_cached(sql)?.query_row([self.0], read).optional()
    }

    pub(super) fn park(&self, connection: &Connection, key: &str, note: &Note) -> Outcome<()> {
        let sql = "INSERT INTO newton_projections_parked (projection, order_id, key, event_id, cause, attempts, since)
                   VALUES (?, ?, ?, ?, ?, ?, ?)";
        let (order_id, event_id) = (note.order_id.0.cast_signed(), note.event_id.to_string());
        let since = note.since.timestamp_micros();
        let parameters = params![self.0, order_id, key, event_id, note.cause, note.attempts, since];
        connection.prepare_cached(sql)?.execute(parameters).map(drop)
    }

    pub(super) fn failed_again(
        &self,
        connection: &Connection,
        order_id: OrderId,
        cause: &str,
    ) -> Outcome<()> {
        let sql = "UPDATE newton_projections_parked SET cause = ?3, attempts = attempts + 1
                   WHERE projection = ?1 AND order_id = ?2";
        connection.execute(sql, params![self.0, order_id.0.cast_signed(), cause]).map(drop)
    }

    pub(super) fn unpark(&self, connection: &Connection, order_id: OrderId) -> Outcome<()> {
        let sql = "DELETE FROM newton_projections_parked WHERE projection = ? AND order_id = ?";
        connection.execute(sql, params![self.0, order_id.0.cast_signed()]).map(drop)
    }

    /// Keeps why an event was given up.
    pub(super) fn give_up(
        &self,
        connection: &Connection,
        order_id: OrderId,
        reason: &str,
        time: Timestamp,
    ) -> Outcome<()> {
        let sql = "INSERT OR REPLACE INTO newton_projections_dropped
                     (projection, order_id, key, event_id, cause, attempts, since, reason, time)
                   SELECT projection, order_id, key, event_id, cause, attempts, since, ?3, ?4
                   FROM newton_projections_parked WHERE projection = ?1 AND order_id = ?2";
        let parameters = params![self.0, order_id.0.cast_signed(), reason, time.timestamp_micros()];
        connection.execute(sql, parameters)?;
        self.unpark(connection, order_id)
    }

    /// What was given up, sorted by order id.
    pub(super) fn given_up(&self, connection: &Connection) -> Outcome<Vec<GivenUp>> {
        let sql = "SELECT key, order_id, event_id, cause, attempts, since, reason, time
                   FROM newton_projections_dropped WHERE projection = ? ORDER BY order_id";
        let read = |row: &rusqlite::Row<'_>| {
            let (key, note) = note(row)?;
            Ok(GivenUp { key, note, reason: row.get(6)?, time: time(row.get(7)?) })
        };
        connection.prepare_cached(sql)?.query_map([self.0], read)?.collect()
    }

    pub(super) fn parked_keys(&self, connection: &Connection) -> Outcome<HashSet<Name>> {
        let sql = "SELECT DISTINCT key FROM newton_projections_parked WHERE projection = ?";
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_map([self.0], |row| Ok(Name::from(row.get::<_, String>(0)?)))?.collect()
    }

    /// The first notes of one key, or of all keys, sorted by key and order id.
    pub(super) fn notes(
        &self,
        connection: &Connection,
        key: Option<&str>,
        most: usize,
    ) -> Outcome<Vec<(Name, Note)>> {
        let sql = "SELECT key, order_id, event_id, cause, attempts, since FROM newton_projections_parked
                   WHERE projection = ?1 AND (?2 IS NULL OR key = ?2) ORDER BY key, order_id LIMIT ?3";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        connection.prepare_cached(sql)?.query_map(params![self.0, key, most], note)?.collect()
    }

    pub(super) fn among(
        &self,
        connection: &Connection,
        first: OrderId,
        last: OrderId,
    ) -> Outcome<Option<Name>> {
        let sql = "SELECT key FROM newton_projections_parked
                   WHERE projection = ? AND order_id BETWEEN ? AND ? LIMIT 1";
        let parameters = params![self.0, first.0.cast_signed(), last.0.cast_signed()];
        let read = |row: &rusqlite::Row<'_>| Ok(Name::from(row.get::<_, String>(0)?));
        connection.prepare_cached(sql)?.query_row(parameters, read).optional()
    }
}

/// A fingerprint as the file keeps it.
pub(super) fn number(fingerprint: Fingerprint) -> Option<i64> {
    match fingerprint {
        Fingerprint::Known(hash) => Some(hash.cast_signed()),
        Fingerprint::Unknown => None,
    }
}

/// The error for whoever writes with a lease that another node has taken over.
pub(super) fn late(projection: &'static str, epoch: u64) -> Error {
    let key = StateKey::new("lease", format!("projection/{projection}"));
    Error::state_conflict("write projection", key).with("epoch", epoch)
}

/// The error for a failure of SQLite on the file of a projection.
pub(super) fn failed(error: &rusqlite::Error, file: &Path) -> Error {
    match error {
        // Made by hand where SQLite was not even asked.
        rusqlite::Error::ToSqlConversionFailure(_) => {
            Error::new(ErrorKind::InvalidInput, "use projection", error.to_string())
        }
        _ => of_sqlite(error, "use projection", file),
    }
}

/// A note and its key, from the first six columns.
fn note(row: &rusqlite::Row<'_>) -> Outcome<(Name, Note)> {
    let note = Note {
        order_id: OrderId(row.get::<_, i64>(1)?.cast_unsigned()),
        event_id: EventId::from(row.get::<_, String>(2)?.as_str()),
        cause: row.get(3)?,
        attempts: row.get(4)?,
        since: time(row.get(5)?),
    };
    Ok((Name::from(row.get::<_, String>(0)?), note))
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_timestamp_micros(micros).unwrap_or_default()
}
