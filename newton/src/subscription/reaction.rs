//! Whatever reacts to events in the background, its type forgotten.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::{Clock, Name, OrderId};
use crate::error::Result;
use crate::repository::{Dispatch, RetryPolicy};
use crate::store::{EventStore, StateStore};
use crate::subscription::{HandlerPolicies, Monitor, Node, Parking, Provided, Stop, Subscriptions};

/// What kind of reaction it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReactionKind {
    /// A read model.
    Projection,
    /// A process manager.
    Saga,
    /// A domain service.
    EventHandler,
}

/// A projection, a saga or an event handler of an app.
#[async_trait]
pub(crate) trait Reaction: Any + Send + Sync {
    /// How it is doing.
    fn monitor(&self) -> &Monitor;

    /// What it could not handle.
    fn parking(&self) -> &dyn Parking;

    /// The typed reaction, for the app's typed questions.
    fn as_any(&self) -> &(dyn Any + Send + Sync);

    /// Stores what must be stored before the app's start returns, such as where "now" is.
    async fn register(&self) -> Result<()> {
        Ok(())
    }

    /// How far it got, on whichever node it runs.
    async fn position(&self) -> Result<OrderId> {
        Ok(self.monitor().position())
    }

    /// Runs until it is asked to stop, or fails for a reason outside the events. The supervisor runs it again after a
    /// failure or a panic, later and later; nothing that was acknowledged before may be lost by that.
    async fn run(&self, stop: Stop) -> Result<()>;
}

/// What every reaction of an app stands on.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) node: Arc<Node>,
    pub(crate) service: Name,
}

/// What a reaction is put together from at the start.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "only projections in files need their places")
)]
pub(crate) struct Assembly {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) provided: Provided,
    pub(crate) handler_policies: HandlerPolicies,
    pub(crate) dispatch: Arc<dyn Dispatch>,
    /// How the commands of sagas are tried again.
    pub(crate) command_retry: RetryPolicy,
    /// The folder of the projections that are files; `None` where the store is in memory.
    pub(crate) projections: Option<std::path::PathBuf>,
    /// The file of the events, where they are in one.
    pub(crate) events_file: Option<std::path::PathBuf>,
    /// Whether projections whose code has changed are rebuilt without being asked.
    pub(crate) rebuild_changed: bool,
}
