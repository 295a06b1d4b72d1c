//! Read models: folds over many streams, in memory or in tables, that follow the log.
//!
//! - [`Projection`]: what the derive makes; [`MemoryProjection`] and [`SqliteProjection`]: where it lives
//! - [`View`], [`SqliteTx`]: what a handler is given

#[cfg(feature = "sqlite")]
mod sqlite;
mod traits;
mod view;

#[cfg(feature = "sqlite")]
pub use sqlite::SqliteTx;
#[cfg(feature = "sqlite")]
pub use traits::SqliteProjection;
pub use traits::{MemoryProjection, Projection};
pub use view::View;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::subscription::{Assembly, Reaction};

/// Puts a running projection together.
pub(crate) fn assemble<P: MemoryProjection>(_: &Assembly) -> Result<Arc<dyn Reaction>> {
    Err(Error::new(ErrorKind::Unsupported, "start", "not here yet"))
}

/// Puts a running projection in SQLite together.
#[cfg(feature = "sqlite")]
pub(crate) fn assemble_sqlite<P: SqliteProjection>(_: &Assembly) -> Result<Arc<dyn Reaction>> {
    Err(Error::new(ErrorKind::Unsupported, "start", "not here yet"))
}
