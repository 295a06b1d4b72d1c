//! The running app: registry, store and repositories behind one cheap handle.
//!
//! - [`App`]: what a program calls; [`Builder`] makes it
//! - [`Execute`], [`Together`]: commands on their way, with their options
//! - [`Health`]: how the app is doing; [`Shutdown`]: how it ended
//! - [`CaughtUp`]: a wait until a command has reached a projection
//! - `expose`: its commands and views for other services; `remote`: those of another service's app; `call`: what travels
//! - `dispatch`: where the commands of sagas go
//! - `reactions`: the projections, sagas and event handlers; `supervise`: the task that each runs in
//! - `parked`: what they could not handle; `lease`: what a program wants to do alone; `gate`: no new work at the end
//!
#![doc = include_str!("../../docs/operation.md")]

mod builder;
#[cfg(feature = "muon")]
mod call;
#[cfg(feature = "muon")]
mod dispatch;
mod execute;
#[cfg(feature = "muon")]
mod expose;
mod gate;
mod health;
mod lease;
mod parked;
mod reactions;
#[cfg(feature = "muon")]
mod remote;
#[cfg(feature = "testkit")]
mod rest;
mod sagas;
mod services;
mod shutdown;
mod start;
mod supervise;
#[cfg(test)]
mod tests;
mod together;
mod unique;
mod views;

use std::fmt::Display;
use std::sync::Arc;

use futures_util::Stream;

pub use builder::Builder;
pub use execute::{Execute, Named};
#[cfg(feature = "muon")]
pub use expose::Expose;
pub use health::Health;
#[cfg(feature = "muon")]
pub use remote::{RemoteApp, RemoteExecute};
#[cfg(feature = "testkit")]
pub(crate) use rest::Unrest;
pub use shutdown::Shutdown;
pub use together::Together;
pub use views::CaughtUp;

use crate::bus::Bus;
use crate::causality::Causality;
use crate::domain::{Aggregate, AggregateId, Command, Version};
use crate::error::Result;
use crate::registry::Registry;
use crate::repository::{Caller, Environment, Loaded, Receipt, Recorded, Repository};
use crate::store::{EventStore, StateStore};
use crate::subscription::{Runtime, Subscribe, Subscription};
use gate::Gate;
use reactions::Reactions;

/// The entry to the framework: [`Newton::builder`].
#[derive(Debug)]
pub struct Newton;

impl Newton {
    /// Begins an app.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// A running app. Cloning is cheap; clones share everything. Dropping the last one ends its tasks at once;
/// [`shutdown`](Self::shutdown) lets them finish first.
///
/// ```standalone_crate
/// use newton::prelude::*;
/// use newton::Newton;
///
/// #[derive(Event, Clone, Debug, PartialEq)]
/// enum CounterEvent { Raised { by: u64 } }
///
/// #[derive(Command, Clone, Debug)]
/// enum CounterCommand { Raise { by: u64 } }
///
/// #[derive(Rejection, Debug, PartialEq)]
/// enum CounterError { ByNothing }
///
/// #[derive(Aggregate, Clone, Debug, Default, PartialEq)]
/// #[aggregate(context = "docs")]
/// struct Counter { value: u64 }
///
/// impl Counter {
///     fn decide(&self, command: CounterCommand) -> Result<CounterEvent, CounterError> {
///         match command {
///             CounterCommand::Raise { by: 0 } => Err(CounterError::ByNothing),
///             CounterCommand::Raise { by } => Ok(CounterEvent::Raised { by }),
///         }
///     }
///
///     fn evolve(&mut self, event: &CounterEvent) {
///         let CounterEvent::Raised { by } = event;
///         self.value += by;
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = Newton::builder().store("memory:").start().await?;
/// app.execute("visits", CounterCommand::Raise { by: 2 }).await?;
/// let refused = app.execute("visits", CounterCommand::Raise { by: 0 }).await.unwrap_err();
/// assert_eq!(refused.rejection(), Some(&CounterError::ByNothing));
///
/// let counter = app.load::<Counter>("visits").await?.expect("it was raised");
/// assert_eq!(counter.state.value, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct App {
    core: Arc<Core>,
    caller: Arc<Caller>,
}

#[derive(Debug)]
struct Core {
    environment: Arc<Environment>,
    registry: Registry,
    bus: Arc<Bus>,
    runtime: Arc<Runtime>,
    reactions: Reactions,
    gate: Gate,
}

impl App {
    /// The same app for a caller of whom more is known: a correlation, a tenant, an actor.
    #[must_use]
    pub fn with(&self, caller: Caller) -> Self {
        Self { core: self.core.clone(), caller: Arc::new(caller) }
    }

    /// Sends a command to an aggregate. Await it as it is, or set its options first.
    ///
    /// # Errors
    /// The aggregate's rejection, or a failure: an id that is none, a conflict, a deleted aggregate, the store's.
    pub fn execute<C: Command>(&self, id: impl Display, command: C) -> Execute<C> {
        Execute::new(self.clone(), id.to_string(), command)
    }

    /// Sends a command that is known by its name and payload only, for callers in other languages.
    ///
    /// # Errors
    /// As [`execute`](Self::execute), and [`UnknownType`](crate::ErrorKind::UnknownType) or
    /// [`Decode`](crate::ErrorKind::Decode) where name or payload fit no registered command.
    pub fn dispatch(
        &self,
        id: impl Display,
        name: impl Into<String>,
        payload: impl Into<Vec<u8>>,
    ) -> Execute<Named> {
        Execute::new(self.clone(), id.to_string(), Named { name: name.into(), payload: payload.into() })
    }

    /// Begins a set of commands to several aggregates that take effect together or not at all.
    pub fn together(&self) -> Together {
        Together::new(self.clone())
    }

    /// The present state of an aggregate; `None` where it has no events.
    ///
    /// # Errors
    /// [`Deleted`](crate::ErrorKind::Deleted) where it was deleted, and the errors of the store and of decoding.
    pub async fn load<A: Aggregate>(&self, id: impl Display) -> Result<Option<Loaded<A>>> {
        self.repository()?.load(&parse(id)?).await
    }

    /// The state of an aggregate as it was at a version. Works for deleted aggregates too.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) where there is no such version.
    pub async fn load_at<A: Aggregate>(&self, id: impl Display, version: Version) -> Result<Loaded<A>> {
        self.repository()?.load_at(&parse(id)?, version).await
    }

    /// Whether an aggregate has events and was not deleted.
    pub async fn exists<A: Aggregate>(&self, id: impl Display) -> Result<bool> {
        self.repository::<A>()?.exists(&parse(id)?).await
    }

    /// Deletes an aggregate by a tombstone: loads say deleted, appends fail, its history stays readable.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) where it has no events, [`Deleted`](crate::ErrorKind::Deleted) where it
    /// was deleted before.
    pub async fn delete<A: Aggregate>(&self, id: impl Display) -> Result<Receipt> {
        let _inside = self.core.gate.enter()?;
        self.repository::<A>()?.delete(&parse(id)?, self.caller.clone()).await
    }

    /// An aggregate's events, decoded, from the first to the last stored one.
    ///
    /// # Errors
    /// Where the id is none or the aggregate is not registered; the stream gives the errors of reading.
    pub fn history<A: Aggregate>(
        &self,
        id: impl Display,
    ) -> Result<impl Stream<Item = Result<Recorded<A::Event>>> + Send + Unpin + 'static> {
        Ok(Box::pin(self.repository::<A>()?.history(&parse(id)?)))
    }

    /// The present state of an aggregate, if there is one, and then each new state, until it is deleted.
    ///
    /// # Errors
    /// Where the id is none or the aggregate is not registered; the stream gives the errors of reading.
    pub fn subscribe_updates<A: Aggregate>(
        &self,
        id: impl Display,
    ) -> Result<impl Stream<Item = Result<Loaded<A>>> + Send + Unpin + 'static> {
        Ok(Box::pin(self.repository::<A>()?.updates(&parse(id)?)))
    }

    /// The repository of an aggregate type.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) where it is not in this app's registry.
    pub fn repository<A: Aggregate>(&self) -> Result<&Repository<A>> {
        self.core.bus.repository()
    }

    /// Opens a subscription: what is stored, what is appended, or both.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription> {
        self.core.runtime.subscriptions.open(subscribe).await
    }

    /// Asks who caused what: the causes of an event, its effects, and whole correlations.
    pub fn causality(&self) -> Causality {
        Causality::new(self.core.environment.events.clone())
    }

    /// The types this app works with.
    pub fn registry(&self) -> &Registry {
        &self.core.registry
    }

    /// The event store.
    pub fn events(&self) -> &Arc<dyn EventStore> {
        &self.core.environment.events
    }

    /// The state store.
    pub fn state(&self) -> &Arc<dyn StateStore> {
        &self.core.environment.state
    }

    /// Waits until what was begun in the background, such as snapshots that were due, is written.
    pub async fn flush(&self) {
        self.core.environment.snapshots.flush().await;
    }
}

fn parse(id: impl Display) -> Result<AggregateId> {
    AggregateId::parse(id.to_string())
}
