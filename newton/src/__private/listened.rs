//! What `handles(..)` lists, as values.

use crate::domain::{Event, EventType};
use crate::registry::Registry;
use crate::saga::{CommandFailed, Deadline, FromTrigger};

/// A type that `handles(..)` lists, without the type.
#[derive(Clone, Copy, Debug)]
pub struct Listened {
    pub(crate) types: &'static [EventType],
    add: fn(&mut Registry),
}

impl Listened {
    /// A family of events.
    pub const fn event<E: Event>() -> Self {
        Self { types: E::TYPES, add: Registry::add_events::<E> }
    }

    /// Anything that moves a saga.
    pub const fn trigger<T: MovesSaga>() -> Self {
        Self { types: T::TYPES, add: T::add_events }
    }
}

/// All event types of what is listed.
pub fn event_types(listened: &'static [Listened]) -> Vec<&'static EventType> {
    listened.iter().flat_map(|listened| listened.types).collect()
}

/// Adds the events of what is listed.
pub fn add_events(listened: &[Listened], registry: &mut Registry) {
    for Listened { add, .. } in listened {
        add(registry);
    }
}

/// What a saga may list: it brings along events, or none.
#[diagnostic::on_unimplemented(
    message = "a saga cannot handle `{Self}`",
    label = "write event types, `Deadline` or `CommandFailed`; an event derives `Event`"
)]
pub trait MovesSaga: FromTrigger {
    /// Adds its events.
    fn add_events(registry: &mut Registry);
}

impl<E: Event> MovesSaga for E {
    fn add_events(registry: &mut Registry) {
        registry.add_events::<E>();
    }
}

impl MovesSaga for Deadline {
    fn add_events(_: &mut Registry) {}
}

impl MovesSaga for CommandFailed {
    fn add_events(_: &mut Registry) {}
}
