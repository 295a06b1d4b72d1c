//! Read models: folds over many streams, in memory or in tables, that follow the log.
#![doc = include_str!("../../docs/projections.md")]
//! # Map
//!
//! - [`Projection`]: what the derive makes; [`MemoryProjection`] and [`SqliteProjection`]: where it lives
//! - [`View`], [`SqliteTx`]: what a handler is given
//! - [`MemoryView`], [`SqliteView`]: what a reader is given; [`Viewed`] chooses by the projection
//! - [`Rebuild`], [`Progress`]: a copy that is built beside the live one
//! - `projector`: the one loop that runs them all, over what `keep` says of a place to keep data in: `memory`, `sqlite`
//! - `follower`: a copy of the data, and its way through the log; `parked`: what could not be handled
//! - `guard`: calls of a user's handler

mod follower;
mod guard;
mod keep;
mod memory;
mod parked;
mod projector;
mod rebuild;
#[cfg(feature = "sqlite")]
mod sqlite;
mod traits;
mod view;

pub use memory::{MemoryGuard, MemoryView};
pub use rebuild::{Progress, Rebuild, RebuildPhase};
#[cfg(feature = "sqlite")]
pub use rusqlite;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteTables, SqliteTx, SqliteView};
#[cfg(feature = "sqlite")]
pub use traits::SqliteProjection;
pub use traits::{MemoryProjection, Projection};
pub(crate) use view::sealed::Open;
pub use view::{Access, View, Viewed};

pub(crate) use rebuild::Rebuildable;

use std::sync::Arc;

use crate::domain::Name;
use crate::error::Result;
use crate::subscription::{Assembly, Monitor, Reaction, ReactionKind};
use memory::Memory;
use projector::Projector;

/// Puts a running projection together.
#[expect(clippy::unnecessary_wraps, reason = "others can fail, and the registry keeps them side by side")]
pub(crate) fn assemble<P: MemoryProjection>(assembly: &Assembly) -> Result<Arc<dyn Reaction>> {
    let monitor = monitor::<P>();
    let keep = Memory::<P>::new(assembly, monitor.clone());
    Ok(Arc::new(Projector::new::<P>(assembly, monitor, keep)))
}

/// Puts a running projection in SQLite together.
#[cfg(feature = "sqlite")]
pub(crate) fn assemble_sqlite<P: SqliteProjection>(assembly: &Assembly) -> Result<Arc<dyn Reaction>> {
    let monitor = monitor::<P>();
    let keep = sqlite::Sqlite::<P>::new(assembly, monitor.clone())?;
    Ok(Arc::new(Projector::new::<P>(assembly, monitor, keep)))
}

fn monitor<P: Projection>() -> Arc<Monitor> {
    Arc::new(Monitor::new(Name::from_static(P::NAME), ReactionKind::Projection))
}
