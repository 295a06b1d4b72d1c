//! The registry: every derived type an app works with, as an explicit value.
//!
//! - [`Registry`]: built by hand, or from all that the derives announced
//! - [`Register`]: what derived types and tuples of them implement; [`kind`]: what each of them is
//! - [`entry`]: what the registry knows of aggregates, events and commands
//! - [`rivals`]: names that two types claim

pub mod discovery;
pub mod entry;
pub mod kind;
pub mod register;
mod rivals;

use std::any::TypeId;

pub use discovery::Registration;
pub use entry::{AggregateEntry, CommandFamily, EventFamily, ReactionEntry};
pub use register::Register;

use crate::domain::{Aggregate, Command, CommandType, Event, EventType};
use crate::error::Result;

/// The aggregates, events and commands an app works with.
///
/// ```
/// use newton::prelude::*;
/// use newton::registry::Registry;
///
/// #[derive(Event, Clone)]
/// enum DoorEvent { Opened, Closed }
///
/// let registry = Registry::empty().add::<DoorEvent>();
/// assert_eq!(registry.event_type("DoorOpened").map(|event| event.schema), Some(1));
/// registry.validate()?;
/// # Ok::<(), newton::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    aggregates: Vec<AggregateEntry>,
    events: Vec<EventFamily>,
    commands: Vec<CommandFamily>,
    reactions: Vec<ReactionEntry>,
}

impl Registry {
    /// A registry of nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A registry of every derived type that is linked into this program.
    pub fn discovered() -> Self {
        discovery::all()
    }

    /// Adds a type, or a tuple of types. Adding a type again changes nothing.
    #[must_use]
    pub fn add<T: Register>(mut self) -> Self {
        T::register(&mut self);
        self
    }

    /// Takes out a type, or a tuple of types, and the events and commands that only it brought along.
    #[must_use]
    pub fn remove<T: Register>(mut self) -> Self {
        let unwanted = Self::empty().add::<T>();
        self.aggregates
            .retain(|entry| !unwanted.aggregates.iter().any(|other| other.type_id == entry.type_id));
        self.reactions.retain(|entry| !unwanted.reactions.iter().any(|other| other.type_id == entry.type_id));
        let Self { aggregates, events, commands, reactions } = &mut self;
        let listened: Vec<&str> =
            reactions.iter().flat_map(ReactionEntry::event_types).map(|event| event.name).collect();
        events.retain(|family| {
            aggregates.iter().any(|entry| entry.event == family.type_id)
                || family.types.iter().any(|event| listened.contains(&event.name))
                || !unwanted.events.iter().any(|other| other.type_id == family.type_id)
        });
        commands.retain(|family| !unwanted.commands.iter().any(|other| other.type_id == family.type_id));
        self
    }

    /// Adds an aggregate with its events and commands.
    pub fn add_aggregate<A: Aggregate>(&mut self) {
        self.add_events::<A::Event>();
        self.add_commands::<A::Command>();
        if !self.aggregates.iter().any(|entry| entry.type_id == TypeId::of::<A>()) {
            self.aggregates.push(AggregateEntry::of::<A>());
        }
    }

    /// Adds a family of events.
    pub fn add_events<E: Event>(&mut self) {
        if !self.events.iter().any(|family| family.type_id == TypeId::of::<E>()) {
            self.events.push(EventFamily::of::<E>());
        }
    }

    /// Adds a family of commands.
    pub fn add_commands<C: Command>(&mut self) {
        if !self.commands.iter().any(|family| family.type_id == TypeId::of::<C>()) {
            self.commands.push(CommandFamily::of::<C>());
        }
    }

    /// Adds a projection, a saga or an event handler.
    pub fn add_reaction(&mut self, reaction: ReactionEntry) {
        if !self.reactions.iter().any(|entry| entry.type_id == reaction.type_id) {
            self.reactions.push(reaction);
        }
    }

    /// Checks that no name is claimed twice.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration), naming each name and both of its claimants.
    pub fn validate(&self) -> Result<()> {
        rivals::check(self)
    }

    /// The aggregate of a domain stream, such as `bank/Account`.
    pub fn aggregate(&self, domain: &str) -> Option<&AggregateEntry> {
        self.aggregates.iter().find(|entry| entry.domain == domain)
    }

    /// All aggregates.
    pub fn aggregates(&self) -> &[AggregateEntry] {
        &self.aggregates
    }

    /// All projections, sagas and event handlers.
    pub fn reactions(&self) -> &[ReactionEntry] {
        &self.reactions
    }

    /// All families of events.
    pub fn event_families(&self) -> &[EventFamily] {
        &self.events
    }

    /// All families of commands.
    pub fn command_families(&self) -> &[CommandFamily] {
        &self.commands
    }

    /// The event type with a name, such as `AccountOpened`.
    pub fn event_type(&self, name: &str) -> Option<&'static EventType> {
        self.events.iter().find_map(|family| family.event_type(name))
    }

    /// The command with a name, such as `AccountOpen`, and its family, which knows the aggregate.
    pub fn command(&self, name: &str) -> Option<(&CommandFamily, &'static CommandType)> {
        self.commands.iter().find_map(|family| Some((family, family.command_type(name)?)))
    }
}
