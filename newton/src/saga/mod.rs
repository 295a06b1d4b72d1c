//! Process managers: event handlers that send commands, one durable instance for each key.
#![doc = include_str!("../../docs/sagas.md")]
//! # Map
//!
//! - [`Saga`]: what the derive makes; [`Trigger`] and [`FromTrigger`]: what makes an instance move
//! - [`Flow`]: what a handler is given; [`Deadline`], [`CommandFailed`]: what it can be told besides events
//! - [`record`]: what an instance's stream holds
//! - [`SagaInstance`], [`Sagas`]: what can be asked of one instance, and of all
//! - `instance`, `step`, `state`: pure; the fold of a stream, one trigger on it, and the state across versions
//! - `survey`: instances as tests compare them; `words`: records as people read them
//! - `manager`: what runs it; `names`, `rows`: what is kept in the stores, and where

mod ask;
mod flow;
mod instance;
mod manager;
mod names;
pub mod record;
mod rows;
mod state;
mod step;
#[cfg(feature = "testkit")]
mod survey;
mod traits;
mod trigger;
mod words;

pub use ask::{ListedSaga, RefusedEvent, RefusedEvents, SagaInstance, SagaRecord, SagaStatus, Sagas};
pub use flow::Flow;
#[cfg(feature = "testkit")]
pub(crate) use survey::{Surveyed, domain_of, survey};
pub use traits::Saga;
pub use trigger::{CommandFailed, Deadline, FromTrigger, Trigger};

use std::sync::Arc;

use crate::error::Result;
use crate::subscription::{Assembly, Reaction};
use manager::Manager;

/// Puts a running saga together.
pub(crate) fn assemble<S: Saga>(assembly: &Assembly) -> Result<Arc<dyn Reaction>> {
    Ok(Arc::new(Manager::<S>::new(assembly)?))
}
