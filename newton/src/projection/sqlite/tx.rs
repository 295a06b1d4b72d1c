//! What a projection in SQLite is given to write with.

use std::ops::Deref;

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Result, Row};

use crate::domain::RecordedEvent;

/// What a handler is given besides the event: the projection's [tables](SqliteTables), and where the event was recorded.
#[derive(Debug)]
pub struct SqliteTx<'a> {
    tables: SqliteTables<'a>,
    meta: &'a RecordedEvent,
}

impl<'a> SqliteTx<'a> {
    pub(crate) fn new(connection: &'a Connection, meta: &'a RecordedEvent) -> Self {
        Self { tables: SqliteTables::new(connection), meta }
    }

    /// The event as it was recorded: who, when, where.
    pub fn meta(&self) -> &RecordedEvent {
        self.meta
    }
}

impl<'a> Deref for SqliteTx<'a> {
    type Target = SqliteTables<'a>;

    fn deref(&self) -> &SqliteTables<'a> {
        &self.tables
    }
}

/// The tables of a projection, in a transaction that holds what is written and the projection's checkpoint: what `setup` and
/// `flush` are given, and through [`SqliteTx`] each handler.
///
/// Statements are prepared once and kept. Errors convert to a handler's with `?`. The transaction is Newton's: statements
/// that begin or end one are refused.
#[derive(Debug)]
pub struct SqliteTables<'a>(&'a Connection);

impl<'a> SqliteTables<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Self {
        Self(connection)
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
        self.0.execute_batch(sql)
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
        self.0.prepare_cached(sql)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_value_is_read_as_what_it_is() {
        let connection = Connection::open_in_memory().unwrap();
        let tables = SqliteTables::new(&connection);
        tables.execute_batch("CREATE TABLE numbers (number INTEGER); CREATE TABLE empty (a)").unwrap();
        tables.execute("INSERT INTO numbers VALUES (?1), (?2)", (7_u64, 5_usize)).unwrap();
        assert_eq!(tables.query_value::<u64>("SELECT sum(number) FROM numbers", ()).unwrap(), 12);
        assert_eq!(tables.query_value::<Option<i64>>("SELECT max(a) FROM empty", ()).unwrap(), None);
        let missing = tables.query_value::<i64>("SELECT a FROM empty", ()).unwrap_err();
        assert_eq!(missing, rusqlite::Error::QueryReturnedNoRows);
        let text = tables.query_value::<i64>("SELECT 'text'", ()).unwrap_err();
        assert!(matches!(text, rusqlite::Error::InvalidColumnType(..)), "{text}");
        let large = tables.execute("INSERT INTO numbers VALUES (?1)", (u64::MAX,));
        assert!(large.is_err(), "SQLite has no such number");
        assert_eq!(tables.query_value::<usize>("SELECT count(*) FROM numbers", ()).unwrap(), 2);
    }
}
