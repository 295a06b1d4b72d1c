//! Projections in SQLite: tables in a file of their own, or in the file of the events.
//!
//! - [`SqliteTx`]: what a handler is given, and of it [`SqliteTables`] what `setup` and `flush` are; [`SqliteView`]: what a reader is given, over a `pool` of connections
//! - `place`: the folder, its files, and which of them is the live one
//! - `tables`: Newton's own tables in such a file: checkpoint, lease fence, parked keys
//! - `origin`: whether a file was made from the log at hand
//! - `writer`: batches of events, each in one transaction; `worker`: the thread it lives on; `pulse`: handlers over their time-out
//! - `replica`: a file that follows the log; `keep`: all of it for the loop

mod keep;
mod origin;
mod place;
mod pool;
mod pulse;
mod replica;
mod tables;
#[cfg(test)]
mod tests;
mod tx;
mod view;
mod worker;
mod writer;

pub(super) use keep::Sqlite;
pub use tx::{SqliteTables, SqliteTx};
pub use view::SqliteView;
