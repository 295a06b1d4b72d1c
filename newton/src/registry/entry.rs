//! What the registry knows of aggregates, events and commands.

use std::any::{TypeId, type_name};
use std::sync::Arc;

use crate::bus::CommandHandler;
use crate::domain::{Aggregate, Command, CommandType, Event, EventType};
use crate::repository::{Environment, Repository};

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
            handler: |environment| Arc::new(Repository::<A>::new(environment)),
        }
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
