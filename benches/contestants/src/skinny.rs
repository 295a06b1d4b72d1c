//! The least that an event store could write: one table of four columns.

use std::path::Path;

use bench_harness::Result;
use bench_harness::bank::AccountEvent;
use rusqlite::{Connection, params};

use crate::raw::Tables;

/// The table needs nothing to be known.
pub(crate) struct Skinny;

impl Tables for Skinny {
    type Stream = String;

    async fn create(file: &Path) -> Result<()> {
        let table = "CREATE TABLE IF NOT EXISTS events
            (stream TEXT, version INTEGER, type TEXT, payload TEXT, PRIMARY KEY (stream, version))";
        Ok(Connection::open(file)?.execute_batch(table)?)
    }

    fn open(_: &Connection) -> Result<Self> {
        Ok(Self)
    }

    fn load(
        &mut self,
        connection: &Connection,
        id: &str,
        mut fold: impl FnMut(AccountEvent),
    ) -> Result<Option<String>> {
        let sql = "SELECT type, payload FROM events WHERE stream = ? ORDER BY version";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            fold(AccountEvent::decode(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_bytes()?)?);
        }
        Ok(None)
    }

    fn begin(&mut self, _: &Connection, id: &str) -> Result<String> {
        Ok(id.to_owned())
    }

    fn append(
        &mut self,
        connection: &Connection,
        stream: &String,
        mut version: i64,
        events: &[AccountEvent],
    ) -> Result<()> {
        let sql = "INSERT INTO events (stream, version, type, payload) VALUES (?, ?, ?, ?)";
        let mut insert = connection.prepare_cached(sql)?;
        for event in events {
            version += 1;
            insert.execute(params![stream, version, event.name(), event.encode()?])?;
        }
        Ok(())
    }
}
