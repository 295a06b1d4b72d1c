//! Reading one state record, on the thread of whoever asks.
//!
//! The way to another thread and back costs several times such a read. Everything longer goes to the reading threads.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension};

use super::list::state_record;
use crate::error::Result;
use crate::store::sqlite::codec::text;
use crate::store::sqlite::failure::Outcome;
use crate::store::sqlite::{SqliteOptions, connection};
use crate::store::{StateKey, StateRecord};

/// A connection for point reads.
pub(in crate::store::sqlite) struct PointReader {
    connection: Mutex<Connection>,
    file: Arc<Path>,
}

impl PointReader {
    pub(in crate::store::sqlite) fn open(file: &Arc<Path>, options: &SqliteOptions) -> Result<Self> {
        let connection =
            connection::reader(file, options).map_err(|failure| failure.into_error("open store", file))?;
        Ok(Self { connection: Mutex::new(connection), file: Arc::clone(file) })
    }

    /// The record under a key.
    pub(in crate::store::sqlite) fn state(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        find(&connection, key).map_err(|failure| failure.into_error("get state", &self.file))
    }
}

fn find(connection: &Connection, key: &StateKey) -> Outcome<Option<StateRecord>> {
    let sql = "SELECT key, revision, value FROM state WHERE space = ?1 AND key = ?2";
    let mut find = connection.prepare_cached(sql)?;
    let key = (text(&key.space), text(&key.key));
    find.query_row(key, |row| Ok(state_record(row))).optional()?.transpose()
}
