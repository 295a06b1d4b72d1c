//! One batch of state records inside the open transaction: every expectation is read before the first write.

use rusqlite::{Connection, OptionalExtension, Statement};

use crate::error::Error;
use crate::store::sqlite::codec::{bytes_or_text, text};
use crate::store::sqlite::failure::Outcome;
use crate::store::{Expect, Revision, StateWrite};

pub(super) struct StateWrites<'c> {
    revision: Statement<'c>,
    put: Statement<'c>,
    delete: Statement<'c>,
    counter: Statement<'c>,
    set_counter: Statement<'c>,
    /// The last revision given to any record.
    last: i64,
    stored: i64,
}

impl<'c> StateWrites<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            revision: connection.prepare("SELECT revision FROM state WHERE space = ?1 AND key = ?2")?,
            put: connection.prepare(
                "INSERT INTO state (space, key, revision, value) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET revision = excluded.revision, value = excluded.value",
            )?,
            delete: connection.prepare("DELETE FROM state WHERE space = ?1 AND key = ?2")?,
            counter: connection.prepare("SELECT value FROM counters WHERE name = 'state_revision'")?,
            set_counter: connection
                .prepare("UPDATE counters SET value = ?1 WHERE name = 'state_revision'")?,
            last: 0,
            stored: 0,
        })
    }

    pub(super) fn reload(&mut self) -> rusqlite::Result<()> {
        self.stored = self.counter.query_row([], |row| row.get(0))?;
        self.last = self.stored;
        Ok(())
    }

    pub(super) fn apply(&mut self, batch: &[StateWrite]) -> Outcome<Vec<Revision>> {
        for write in batch {
            if !self.holds(write)? {
                return Err(Error::state_conflict("write state", write.key.clone()).into());
            }
        }
        Ok(batch.iter().map(|write| self.write(write)).collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps the counter with the records, so that no revision comes again.
    pub(super) fn save_counter(&mut self) -> rusqlite::Result<()> {
        if self.stored != self.last {
            self.set_counter.execute([self.last])?;
            self.stored = self.last;
        }
        Ok(())
    }

    fn holds(&mut self, write: &StateWrite) -> rusqlite::Result<bool> {
        if write.expect == Expect::Any {
            return Ok(true);
        }
        let key = (text(&write.key.space), text(&write.key.key));
        let present = self.revision.query_row(key, |row| row.get::<_, i64>(0)).optional()?;
        Ok(match write.expect {
            Expect::Any => true,
            Expect::Absent => present.is_none(),
            Expect::Revision(revision) => present.map(i64::unsigned_abs) == Some(revision.0),
        })
    }

    fn write(&mut self, write: &StateWrite) -> rusqlite::Result<Revision> {
        self.last += 1;
        let (space, key) = (text(&write.key.space), text(&write.key.key));
        match &write.value {
            Some(value) => self.put.execute((space, key, self.last, bytes_or_text(value)))?,
            None => self.delete.execute((space, key))?,
        };
        Ok(Revision(self.last.unsigned_abs()))
    }
}
