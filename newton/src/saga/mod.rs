//! Process managers: event handlers that send commands, one durable instance for each key.
//!
//! - [`Saga`]: what the derive makes; [`Trigger`] and [`FromTrigger`]: what makes an instance move
//! - [`Flow`]: what a handler is given; [`Deadline`], [`CommandFailed`]: what it can be told besides events
//! - [`record`]: what an instance's stream holds
//! - `instance`, `step`, `state`: pure; the fold of a stream, one trigger on it, and the state across versions

mod flow;
mod instance;
pub mod record;
mod state;
mod step;
mod traits;
mod trigger;

pub use flow::Flow;
pub use traits::Saga;
pub use trigger::{CommandFailed, Deadline, FromTrigger, Trigger};

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::subscription::{Assembly, Reaction};

/// Puts a running saga together.
pub(crate) fn assemble<S: Saga>(_: &Assembly) -> Result<Arc<dyn Reaction>> {
    Err(Error::new(ErrorKind::Unsupported, "start", "not here yet"))
}
