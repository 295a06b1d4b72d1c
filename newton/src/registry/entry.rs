//! What the registry knows of aggregates, events and commands.

use std::any::{TypeId, type_name};
use std::sync::Arc;

use crate::bus::CommandHandler;
use crate::domain::{Aggregate, Command, CommandType, Event, EventType};
use crate::error::Result;
use crate::projection::{self, MemoryProjection};
use crate::repository::{Environment, Repository};
use crate::saga::{self, Saga};
use crate::service::{self, EventHandler};
use crate::subscription::{Assembly, Reaction, ReactionKind};

/// An aggregate.
#[derive(Clone, Copy, Debug)]
pub struct AggregateEntry {
    /// Its domain stream: `{context}/{name}`.
    pub domain: &'static str,
    /// The bounded context it belongs to.
    pub context: &'static str,
    /// Its name inside the context.
    pub name: &'static str,
    /// The Rust type with its path, for messages.
    pub rust_name: &'static str,
    /// The Rust type.
    pub type_id: TypeId,
    /// The Rust type of its events.
    pub event: TypeId,
    /// The types of its events.
    pub event_types: &'static [EventType],
    /// The commands it decides on.
    pub command_types: &'static [CommandType],
    unique_fields: fn() -> Vec<&'static str>,
    handler: fn(Arc<Environment>) -> Arc<dyn CommandHandler>,
}

/// The event types of one enum or struct.
#[derive(Clone, Copy, Debug)]
pub struct EventFamily {
    /// The Rust type with its path, for messages.
    pub rust_name: &'static str,
    /// The Rust type.
    pub type_id: TypeId,
    /// Its event types.
    pub types: &'static [EventType],
    index_of: fn(&str) -> Option<usize>,
}

/// The commands of one enum or struct.
#[derive(Clone, Copy, Debug)]
pub struct CommandFamily {
    /// The Rust type with its path, for messages.
    pub rust_name: &'static str,
    /// The Rust type.
    pub type_id: TypeId,
    /// The domain stream of the aggregate that decides on them.
    pub domain: &'static str,
    /// Its commands.
    pub types: &'static [CommandType],
    index_of: fn(&str) -> Option<usize>,
}

/// A projection, a saga or an event handler.
#[derive(Clone, Copy)]
pub struct ReactionEntry {
    /// What it is.
    pub kind: ReactionKind,
    /// The name by which its place in the log is kept.
    pub name: &'static str,
    /// The Rust type with its path, for messages.
    pub rust_name: &'static str,
    /// The Rust type.
    pub type_id: TypeId,
    event_types: fn() -> Vec<&'static EventType>,
    assemble: fn(&Assembly) -> Result<Arc<dyn Reaction>>,
}

impl AggregateEntry {
    /// What there is to know of an aggregate.
    pub fn of<A: Aggregate>() -> Self {
        Self {
            domain: A::DOMAIN,
            context: A::CONTEXT,
            name: A::NAME,
            rust_name: type_name::<A>(),
            type_id: TypeId::of::<A>(),
            event: TypeId::of::<A::Event>(),
            event_types: A::Event::TYPES,
            command_types: A::Command::TYPES,
            unique_fields: || A::UNIQUE.iter().map(|unique| unique.name).collect(),
            handler: |environment| Arc::new(Repository::<A>::new(environment)),
        }
    }

    /// The names of its fields whose values only one aggregate of its kind may have.
    pub fn unique_fields(&self) -> Vec<&'static str> {
        (self.unique_fields)()
    }

    /// The repository that executes its commands in an environment.
    pub(crate) fn handler(&self, environment: Arc<Environment>) -> Arc<dyn CommandHandler> {
        (self.handler)(environment)
    }
}

impl EventFamily {
    /// What there is to know of a family of events.
    pub fn of<E: Event>() -> Self {
        Self {
            rust_name: type_name::<E>(),
            type_id: TypeId::of::<E>(),
            types: E::TYPES,
            index_of: E::index_of,
        }
    }

    /// Its event type with a name.
    pub fn event_type(&self, name: &str) -> Option<&'static EventType> {
        (self.index_of)(name).map(|index| &self.types[index])
    }
}

impl CommandFamily {
    /// What there is to know of a family of commands.
    pub fn of<C: Command>() -> Self {
        Self {
            rust_name: type_name::<C>(),
            type_id: TypeId::of::<C>(),
            domain: C::Aggregate::DOMAIN,
            types: C::TYPES,
            index_of: C::index_of,
        }
    }

    /// Its command with a name.
    pub fn command_type(&self, name: &str) -> Option<&'static CommandType> {
        (self.index_of)(name).map(|index| &self.types[index])
    }
}

impl ReactionEntry {
    /// A projection in memory.
    pub fn projection<P: MemoryProjection>() -> Self {
        Self::of::<P>(ReactionKind::Projection, P::NAME, P::event_types, projection::assemble::<P>)
    }

    /// A projection in SQLite.
    #[cfg(feature = "sqlite")]
    pub fn sqlite_projection<P: crate::projection::SqliteProjection>() -> Self {
        Self::of::<P>(ReactionKind::Projection, P::NAME, P::event_types, projection::assemble_sqlite::<P>)
    }

    /// A saga.
    pub fn saga<S: Saga>() -> Self {
        Self::of::<S>(ReactionKind::Saga, S::NAME, S::event_types, saga::assemble::<S>)
    }

    /// A domain service.
    pub fn event_handler<H: EventHandler>() -> Self {
        Self::of::<H>(ReactionKind::EventHandler, H::NAME, H::event_types, service::assemble::<H>)
    }

    fn of<T: 'static>(
        kind: ReactionKind,
        name: &'static str,
        event_types: fn() -> Vec<&'static EventType>,
        assemble: fn(&Assembly) -> Result<Arc<dyn Reaction>>,
    ) -> Self {
        Self { kind, name, rust_name: type_name::<T>(), type_id: TypeId::of::<T>(), event_types, assemble }
    }

    /// The event types it listens to.
    pub fn event_types(&self) -> Vec<&'static EventType> {
        (self.event_types)()
    }

    /// Puts it together for an app.
    pub(crate) fn assemble(&self, assembly: &Assembly) -> Result<Arc<dyn Reaction>> {
        (self.assemble)(assembly)
    }
}

impl std::fmt::Debug for ReactionEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({})", self.kind, self.rust_name)
    }
}
