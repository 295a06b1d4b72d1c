//! From what happened to the user's handler of its type.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::listened::{Listened, MovesSaga, family, moving};
use crate::domain::{Event, Handler, HandlerError, On, RecordedEvent, decode_recorded};
use crate::error::Result;
use crate::saga::{FromTrigger, Trigger};
use crate::service::{Delivery, React};

/// Gives an event to its handler; says whether there is one.
#[derive(Debug)]
pub struct OnEvent<H: Handler>(
    fn(&mut H, &RecordedEvent, &mut <H as Handler>::Context<'_>) -> Result<bool, HandlerError>,
);

/// Gives a trigger to its handler; says whether there is one.
#[derive(Debug)]
pub struct OnTrigger<H: Handler>(
    fn(&mut H, &Trigger<'_>, &mut <H as Handler>::Context<'_>) -> Result<bool, HandlerError>,
);

/// Gives an event to the service's handler, if there is one.
#[derive(Debug)]
pub struct Reacting<H>(for<'a> fn(&'a H, &'a RecordedEvent, &'a Delivery) -> Option<Handled<'a>>);

/// What becomes of a delivery.
pub type Handled<'a> = BoxFuture<'a, Result<bool, HandlerError>>;

/// A projection's handler of `E`.
pub const fn on_event<H: On<E>, E: Event>() -> Listened<OnEvent<H>> {
    family::<E, _>(OnEvent(|handler, event, context| {
        let event = E::from_trigger(&Trigger::Event(event));
        hand_over(handler, event, context)
    }))
}

/// A saga's handler of `T`.
pub const fn on_trigger<H: On<T>, T: MovesSaga>() -> Listened<OnTrigger<H>> {
    moving::<T, _>(OnTrigger(|handler, trigger, context| {
        hand_over(handler, T::from_trigger(trigger), context)
    }))
}

/// A service's handler of `E`.
pub const fn react<H: React<E>, E: Event>() -> Listened<Reacting<H>> {
    family::<E, _>(Reacting(|handler, event, delivery| {
        let event = E::from_trigger(&Trigger::Event(event))?;
        Some(
            async move {
                handler.react(&event?, delivery).await?;
                Ok(true)
            }
            .boxed(),
        )
    }))
}

fn hand_over<H: On<T>, T>(
    handler: &mut H,
    taken: Option<Result<T>>,
    context: &mut H::Context<'_>,
) -> Result<bool, HandlerError> {
    let Some(taken) = taken else { return Ok(false) };
    handler.on(&taken?, context)?;
    Ok(true)
}

/// Gives an event to the first of a projection's handlers that takes it.
pub fn handle_event<H: Handler>(
    handler: &mut H,
    listened: &[Listened<OnEvent<H>>],
    event: &RecordedEvent,
    context: &mut H::Context<'_>,
) -> Result<bool, HandlerError> {
    for Listened { handle: OnEvent(handle), .. } in listened {
        if handle(handler, event, context)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives a trigger to the first of a saga's handlers that takes it.
pub fn handle_trigger<H: Handler>(
    handler: &mut H,
    listened: &[Listened<OnTrigger<H>>],
    trigger: &Trigger<'_>,
    context: &mut H::Context<'_>,
) -> Result<bool, HandlerError> {
    for Listened { handle: OnTrigger(handle), .. } in listened {
        if handle(handler, trigger, context)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives an event to the first of a service's handlers that takes it.
pub fn handle_delivery<'a, H>(
    handler: &'a H,
    listened: &[Listened<Reacting<H>>],
    event: &'a RecordedEvent,
    delivery: &'a Delivery,
) -> Handled<'a> {
    let taken = listened.iter().find_map(|listened| (listened.handle.0)(handler, event, delivery));
    taken.unwrap_or_else(|| ready(Ok(false)).boxed())
}

/// Whether an event is an `E` of the kind that starts an instance.
pub fn starts<E: StartsSaga>(event: &RecordedEvent, is_start: impl FnOnce(&E) -> bool) -> Result<bool> {
    if E::index_of(&event.event_type).is_none() {
        return Ok(false);
    }
    decode_recorded(event).map(|event| is_start(&event))
}

/// What an instance of a saga can start on.
#[diagnostic::on_unimplemented(
    message = "an instance cannot start on `{Self}`",
    label = "only an event starts an instance; write a type that derives `Event`, or one of its variants"
)]
pub trait StartsSaga: Event {}

impl<E: Event> StartsSaga for E {}

#[cfg(test)]
mod tests;
