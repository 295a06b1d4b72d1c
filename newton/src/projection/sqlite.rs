//! What a handler of a projection in SQLite is given.

use rusqlite::Transaction;

use crate::domain::RecordedEvent;

/// A transaction that holds what the handler writes and the projection's checkpoint.
#[derive(Debug)]
pub struct SqliteTx<'a> {
    transaction: &'a Transaction<'a>,
    meta: Option<&'a RecordedEvent>,
}

impl<'a> SqliteTx<'a> {
    pub(crate) fn new(transaction: &'a Transaction<'a>, meta: Option<&'a RecordedEvent>) -> Self {
        Self { transaction, meta }
    }

    /// The event as it was recorded: who, when, where; `None` in `setup`.
    pub fn meta(&self) -> Option<&RecordedEvent> {
        self.meta
    }

    /// Runs one statement; gives how many rows it changed. Prepared statements are kept.
    pub fn execute(&self, sql: &str, parameters: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.transaction.prepare_cached(sql)?.execute(parameters)
    }
}
