//! Newton's own tables, columns and indexes, filled by hand.

use std::path::Path;
use std::time::UNIX_EPOCH;

use bench_harness::Result;
use bench_harness::bank::AccountEvent;
use rusqlite::{Connection, OptionalExtension, params};

use crate::raw::Tables;

const DOMAIN: &str = "bank/Account";

/// The dictionaries as far as they are needed.
pub(crate) struct NewtonTables {
    domain: i64,
    /// The ids of the event types, in the order of [`AccountEvent::NAMES`].
    types: Vec<i64>,
    ids: Ids,
}

impl Tables for NewtonTables {
    type Stream = i64;

    async fn create(file: &Path) -> Result<()> {
        // Newton itself makes them, so that they are always what they are.
        if !file.exists() {
            newton::store::open(&format!("sqlite://{}", file.display())).await?;
        }
        Ok(())
    }

    fn open(connection: &Connection) -> Result<Self> {
        connection.execute("INSERT OR IGNORE INTO domains (name) VALUES (?)", [DOMAIN])?;
        let domain =
            connection
                .query_row("SELECT domain_id FROM domains WHERE name = ?", [DOMAIN], |row| row.get(0))?;
        let mut types = Vec::new();
        for name in AccountEvent::NAMES {
            let key = params![domain, name];
            connection.execute("INSERT OR IGNORE INTO event_types (domain_id, name) VALUES (?, ?)", key)?;
            let sql = "SELECT type_id FROM event_types WHERE domain_id = ? AND name = ?";
            types.push(connection.query_row(sql, key, |row| row.get(0))?);
        }
        Ok(Self { domain, types, ids: Ids::new() })
    }

    fn load(
        &mut self,
        connection: &Connection,
        id: &str,
        mut fold: impl FnMut(AccountEvent),
    ) -> Result<Option<i64>> {
        let mut find = connection.prepare_cached("SELECT stream_id FROM streams WHERE name = ?")?;
        let Some(stream) = find.query_row([stream_name(id)], |row| row.get(0)).optional()? else {
            return Ok(None);
        };
        let sql = "SELECT type_id, schema, payload FROM events WHERE stream_id = ? ORDER BY version";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([stream])?;
        while let Some(row) = rows.next()? {
            let type_id: i64 = row.get(0)?;
            let name =
                self.types.iter().position(|known| *known == type_id).map(|at| AccountEvent::NAMES[at]);
            fold(AccountEvent::decode(
                name.ok_or("an event type of another program")?,
                row.get_ref(2)?.as_bytes()?,
            )?);
        }
        Ok(Some(stream))
    }

    fn begin(&mut self, connection: &Connection, id: &str) -> Result<i64> {
        let mut insert = connection.prepare_cached("INSERT INTO streams (domain_id, name) VALUES (?, ?)")?;
        Ok(insert.insert(params![self.domain, stream_name(id)])?)
    }

    fn append(
        &mut self,
        connection: &Connection,
        stream: &i64,
        mut version: i64,
        events: &[AccountEvent],
    ) -> Result<()> {
        let sql = "INSERT INTO events
            (stream_id, version, type_id, schema, time, event_id, payload, correlation_id, command_id, service)
            VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, 'bank')";
        let mut insert = connection.prepare_cached(sql)?;
        let command = self.ids.next();
        let time = micros();
        for event in events {
            version += 1;
            let type_id =
                AccountEvent::NAMES.iter().position(|name| *name == event.name()).map(|at| self.types[at]);
            let id = self.ids.next();
            insert.execute(params![stream, version, type_id, time, id, event.encode()?, command, command])?;
        }
        Ok(())
    }
}

fn stream_name(id: &str) -> String {
    [DOMAIN, "/", id].concat()
}

fn micros() -> i64 {
    i64::try_from(UNIX_EPOCH.elapsed().unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

/// Ids as Newton's: 16 bytes, the milliseconds first and then what looks random.
struct Ids(u64);

impl Ids {
    fn new() -> Self {
        Self(micros().unsigned_abs() | 1)
    }

    fn next(&mut self) -> [u8; 16] {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let mut id = [0; 16];
        id[..6].copy_from_slice(&(micros() / 1_000).to_be_bytes()[2..]);
        id[8..].copy_from_slice(&self.0.to_be_bytes());
        id
    }
}
