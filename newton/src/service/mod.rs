//! Domain services: asynchronous side effects of events, at least once.
//!
//! - [`EventHandler`]: what the derive makes; [`React`]: what a user writes
//! - [`Delivery`]: what a handler is given

mod delivery;
mod traits;

pub use delivery::Delivery;
pub use traits::{EventHandler, React, ReplaySafe};

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::subscription::{Assembly, Reaction};

/// Puts a running event handler together.
pub(crate) fn assemble<H: EventHandler>(_: &Assembly) -> Result<Arc<dyn Reaction>> {
    Err(Error::new(ErrorKind::Unsupported, "start", "not here yet"))
}
