//! What `handles(..)` lists, as a table: each type is named once, so that one mistake gives one message.

use crate::domain::{Event, EventType};
use crate::registry::Registry;
use crate::saga::{CommandFailed, Deadline, FromTrigger};

/// A type that is listened to, without the type. `F` is the function that gives an event to its handler, if it is one.
#[derive(Debug)]
pub struct Listened<F> {
    pub(super) types: &'static [EventType],
    pub(super) handle: F,
    add: fn(&mut Registry),
}

/// A family of events.
pub(super) const fn family<E: Event, F>(handle: F) -> Listened<F> {
    Listened { types: E::TYPES, handle, add: Registry::add_events::<E> }
}

/// Anything that moves a saga.
pub(super) const fn moving<T: MovesSaga, F>(handle: F) -> Listened<F> {
    Listened { types: T::TYPES, handle, add: T::add_events }
}

/// All event types of what is listed.
pub fn event_types<F>(listened: &[Listened<F>]) -> Vec<&'static EventType> {
    listened.iter().flat_map(|listened| listened.types).collect()
}

/// Adds the events of what is listed.
pub fn add_events<F>(listened: &[Listened<F>], registry: &mut Registry) {
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
