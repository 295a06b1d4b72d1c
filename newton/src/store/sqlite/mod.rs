//! The embedded store: one SQLite file, one thread that writes, a few that read.
//!
//! - [`options`]: how it is opened; [`schema`] and [`connection`]: the tables, and connections to them
//! - [`writer`]: group commit; [`reader`]: pages, each a short read transaction; [`in_place`]: the shortest reads
//! - [`search`]: the order ids that a query selects, or a correlation; [`correlation`]: how its events are found
//! - [`watcher`]: sees what other processes append
//! - [`backup`], [`verify`]: online backup, restore, and the check of a whole file
//! - [`codec`], [`failure`], [`queue`], [`thread`]: values, errors and jobs on their way between Newton, SQLite and the threads

mod backup;
mod codec;
mod connection;
mod correlation;
mod failure;
mod in_place;
mod options;
mod queue;
mod reader;
mod schema;
mod search;
mod store;
mod thread;
mod verify;
mod watcher;
mod writer;

pub(crate) use connection::open_beside;
pub(crate) use failure::of_sqlite;
pub use options::{SqliteOptions, Synchronous};
pub use store::SqliteStore;
pub use verify::Verification;
