//! From what happened to the user's handler of its type.

use crate::domain::{Event, HandlerError, On, RecordedEvent, decode_recorded};
use crate::error::Result;
use crate::saga::{FromTrigger, Trigger};
use crate::service::{Delivery, React};

/// Gives an event to the handler of `E`; says whether it is one.
pub fn on_event<H: On<E>, E: Event>(
    handler: &mut H,
    event: &RecordedEvent,
    context: &mut H::Context<'_>,
) -> Result<bool, HandlerError> {
    on(handler, E::from_trigger(&Trigger::Event(event)), context)
}

/// Gives a trigger to the handler of `T`; says whether it is one.
pub fn on_trigger<H: On<T>, T: FromTrigger>(
    handler: &mut H,
    trigger: &Trigger<'_>,
    context: &mut H::Context<'_>,
) -> Result<bool, HandlerError> {
    on(handler, T::from_trigger(trigger), context)
}

fn on<H: On<T>, T>(
    handler: &mut H,
    taken: Option<Result<T>>,
    context: &mut H::Context<'_>,
) -> Result<bool, HandlerError> {
    let Some(taken) = taken else { return Ok(false) };
    handler.on(&taken?, context)?;
    Ok(true)
}

/// Gives an event to the service's handler of `E`; says whether it is one.
///
/// # Errors
/// The handler's, and where the event cannot be decoded.
pub async fn react<H: React<E>, E: Event>(
    handler: &H,
    event: &RecordedEvent,
    delivery: &Delivery,
) -> Result<bool, HandlerError> {
    let Some(event) = E::from_trigger(&Trigger::Event(event)) else { return Ok(false) };
    handler.react(&event?, delivery).await?;
    Ok(true)
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
