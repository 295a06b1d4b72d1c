//! Domain services: asynchronous side effects of events, at least once.
//!
//! - [`EventHandler`]: what the derive makes; [`React`]: what a user writes
//! - [`Delivery`]: what a handler is given
//! - `service`: a running handler; `worker`: its work on one segment, a state machine over `lanes` (what is tried when)
//!   and `tracker` (what is done); `attempt`: one call of the handler; `progress`: how it is doing
//!
#![doc = include_str!("../../docs/services.md")]

mod attempt;
mod delivery;
mod lanes;
mod pause;
mod progress;
#[expect(clippy::module_inception, reason = "the type is what the module is about")]
mod service;
#[cfg(test)]
mod tests;
mod tracker;
mod traits;
mod worker;

pub use delivery::Delivery;
pub(crate) use service::Service;
pub use traits::{EventHandler, React, ReplaySafe};

use std::sync::Arc;

use crate::error::Result;
use crate::subscription::{Assembly, Reaction};

/// Puts a running event handler together.
pub(crate) fn assemble<H: EventHandler>(assembly: &Assembly) -> Result<Arc<dyn Reaction>> {
    let handler = H::build(&assembly.provided)?;
    Ok(Arc::new(Service::new(handler, assembly)))
}
