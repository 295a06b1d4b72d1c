//! What makes an instance move: events, deadlines, failed commands.

use crate::domain::{Command, CommandId, Event, EventType, RecordedEvent, Timestamp, decode_recorded};
use crate::error::{Error, ErrorKind, Result};

/// What makes an instance move.
#[derive(Clone, Copy, Debug)]
pub enum Trigger<'a> {
    /// An event of the log.
    Event(&'a RecordedEvent),
    /// A timer that ran out.
    Deadline(&'a Deadline),
    /// A command that was rejected or failed for good.
    CommandFailed(&'a CommandFailed),
}

/// A timer that ran out.
#[derive(Clone, Debug, PartialEq)]
pub struct Deadline {
    /// The name it was set with.
    pub name: String,
    /// When it was due.
    pub due: Timestamp,
}

/// A command of this instance that was rejected, or failed for good.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandFailed {
    /// The command's id.
    pub command_id: CommandId,
    /// The command's stable name, such as `ShipmentShip`.
    pub name: String,
    /// The aggregate it went to.
    pub target: String,
    /// Its payload as JSON.
    pub payload: String,
    /// Whether the aggregate said no; otherwise the attempts are used up.
    pub rejected: bool,
    /// The rejection or the error, as text.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

impl CommandFailed {
    /// The command, if it is one of a `C`.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] where its payload fits no present `C`.
    pub fn command<C: Command>(&self) -> Option<Result<C>> {
        let index = C::index_of(&self.name)?;
        Some(C::decode(index, self.payload.as_bytes()).map_err(|error| {
            let message = format!("the payload does not fit `{}` any more", C::TYPES[index].rust_name);
            Error::new(ErrorKind::Decode, "decode command", message)
                .with("command", &self.command_id)
                .caused_by(error)
        }))
    }
}

/// What a saga can handle: every event type, [`Deadline`] and [`CommandFailed`].
#[diagnostic::on_unimplemented(
    message = "a saga cannot handle `{Self}`",
    label = "write event types, `Deadline` or `CommandFailed`; an event derives `Event`"
)]
pub trait FromTrigger: Sized {
    /// The event types it stands for.
    const TYPES: &'static [EventType];

    /// The value, if the trigger is one.
    fn from_trigger(trigger: &Trigger<'_>) -> Option<Result<Self>>;
}

impl<E: Event> FromTrigger for E {
    const TYPES: &'static [EventType] = E::TYPES;

    fn from_trigger(trigger: &Trigger<'_>) -> Option<Result<Self>> {
        match trigger {
            Trigger::Event(event) => E::index_of(&event.event_type).map(|_| decode_recorded(event)),
            _ => None,
        }
    }
}

impl FromTrigger for Deadline {
    const TYPES: &'static [EventType] = &[];

    fn from_trigger(trigger: &Trigger<'_>) -> Option<Result<Self>> {
        if let Trigger::Deadline(deadline) = trigger { Some(Ok((*deadline).clone())) } else { None }
    }
}

impl FromTrigger for CommandFailed {
    const TYPES: &'static [EventType] = &[];

    fn from_trigger(trigger: &Trigger<'_>) -> Option<Result<Self>> {
        if let Trigger::CommandFailed(failed) = trigger { Some(Ok((*failed).clone())) } else { None }
    }
}
