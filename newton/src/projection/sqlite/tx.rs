//! What a handler of a projection in SQLite is given.

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Result, Row};

use crate::domain::RecordedEvent;

/// A transaction that holds what the handler writes and the projection's checkpoint.
///
/// Statements are prepared once and kept. Errors convert to a handler's with `?`. The transaction is Newton's: statements
/// that begin or end one are refused.
#[derive(Debug)]
pub struct SqliteTx<'a> {
    connection: &'a Connection,
    meta: Option<&'a RecordedEvent>,
}

impl<'a> SqliteTx<'a> {
    pub(crate) fn new(connection: &'a Connection, meta: Option<&'a RecordedEvent>) -> Self {
        Self { connection, meta }
    }

    /// The event as it was recorded: who, when, where; `None` in `setup` and `flush`.
    pub fn meta(&self) -> Option<&RecordedEvent> {
        self.meta
    }

    /// Runs one statement; gives how many rows it changed.
    ///
    /// # Errors
    /// SQLite's.
    pub fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize> {
        self.prepare(sql)?.execute(parameters)
    }

    /// Runs several statements without parameters, such as those that make tables.
    ///
    /// # Errors
    /// SQLite's.
    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        sql.split(';').try_for_each(refuse_transactions)?;
        self.connection.execute_batch(sql)
    }

    /// The first row of a query.
    ///
    /// # Errors
    /// `QueryReturnedNoRows` where there is none, and SQLite's.
    pub fn query_row<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.prepare(sql)?.query_row(parameters, read)
    }

    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// SQLite's.
    pub fn query_optional<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.query_row(sql, parameters, read).optional()
    }

    /// The first column of the first row of a query, such as a count.
    ///
    /// # Errors
    /// `QueryReturnedNoRows` where there is none, and SQLite's, also where the value is of another type.
    pub fn query_value<T: FromSql>(&self, sql: &str, parameters: impl Params) -> Result<T> {
        self.query_row(sql, parameters, |row| row.get(0))
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// SQLite's.
    pub fn query<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.prepare(sql)?.query_map(parameters, read)?.collect()
    }

    /// A statement that is prepared once and kept, to be run many times.
    ///
    /// # Errors
    /// SQLite's.
    pub fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>> {
        refuse_transactions(sql)?;
        self.connection.prepare_cached(sql)
    }
}

/// Refuses what would tear the handler's writes from the checkpoint.
fn refuse_transactions(sql: &str) -> Result<()> {
    const REFUSED: [&str; 6] = ["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"];
    let sql = sql.trim_start();
    let length = sql.bytes().take_while(u8::is_ascii_alphabetic).count();
    if REFUSED.iter().any(|word| word.eq_ignore_ascii_case(&sql[..length])) {
        let message =
            format!("`{}` is refused: the transaction is Newton's and holds the checkpoint", &sql[..length]);
        return Err(rusqlite::Error::ToSqlConversionFailure(message.into()));
    }
    Ok(())
}
