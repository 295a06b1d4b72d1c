//! Typed events: their stable names, schemas and payload code.

use std::borrow::Cow;

use crate::domain::{FoldEvent, Name, Payload, RecordedEvent, Schema, Tag, Upcast};
use crate::error::{Error, ErrorKind, Result};

/// A type whose values are events. Derive it; see the `Event` derive for what it accepts.
///
/// An enum is a family of event types, one per variant; a struct is a single one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "add `#[derive(Event)]` to `{Self}`"
)]
pub trait Event: Clone + Send + Sync + Sized + 'static {
    /// The event types of this family.
    const TYPES: &'static [EventType];

    /// Which of [`TYPES`](Self::TYPES) this value is.
    fn type_index(&self) -> usize;

    /// Which of [`TYPES`](Self::TYPES) has this name.
    fn index_of(name: &str) -> Option<usize>;

    /// Appends the payload to `out`: a JSON object of the fields alone.
    fn encode(&self, out: &mut Vec<u8>) -> serde_json::Result<()>;

    /// Reads a payload of the present schema of the type at `index`.
    fn decode(index: usize, payload: &[u8]) -> serde_json::Result<Self>;

    /// The tags of this value, from its `#[tag]` fields.
    fn tags(&self) -> Vec<Tag>;

    /// The description of this value's type.
    fn event_type(&self) -> &'static EventType {
        &Self::TYPES[self.type_index()]
    }
}

/// The description of an event type.
#[derive(Clone, Copy, Debug)]
pub struct EventType {
    /// The stable name under which events are stored.
    pub name: &'static str,
    /// The present schema, from 1 up.
    pub schema: u32,
    /// One step for each schema from 1 to the one before the present, in order.
    pub upcasts: &'static [Upcast],
    /// The Rust type and variant, for messages.
    pub rust_name: &'static str,
}

/// Decodes a stored event, through the upcasts where its schema is an older one.
///
/// # Errors
/// [`ErrorKind::UnknownType`] where `E` has no type of that name, [`ErrorKind::Incompatible`] where the schema is newer
/// than this program's or another program's text, [`ErrorKind::Decode`] where the payload does not fit.
pub fn decode<E: Event>(event: &FoldEvent) -> Result<E> {
    decode_parts(&event.event_type, &event.schema, &event.payload)
}

/// Decodes a recorded event, as [`decode`] does.
///
/// # Errors
/// As [`decode`].
pub fn decode_recorded<E: Event>(event: &RecordedEvent) -> Result<E> {
    decode_parts(&event.event_type, &event.schema, &event.payload)
        .map_err(|error| error.with("event", &event.id).with("order id", event.order_id))
}

pub(crate) fn decode_parts<E: Event>(name: &Name, schema: &Schema, payload: &Payload) -> Result<E> {
    let Some(index) = E::index_of(name) else {
        let message = format!("no event type `{name}` is known to `{}`; {ADD_VARIANT}", family::<E>());
        return Err(Error::new(ErrorKind::UnknownType, DECODE, message));
    };
    let event_type = &E::TYPES[index];
    let payload = upcast(event_type, schema, payload.as_bytes())?;
    E::decode(index, &payload).map_err(|error| undecodable(event_type, error))
}

const DECODE: &str = "decode event";
const ADD_VARIANT: &str =
    "add a variant for it, or give the renamed one its old name with `#[event(name = \"..\")]`";

fn family<E: Event>() -> &'static str {
    std::any::type_name::<E>()
}

fn undecodable(event_type: &EventType, error: serde_json::Error) -> Error {
    let message = format!(
        "the payload of `{}` does not fit `{}` at schema {}; raise its version and add an upcast",
        event_type.name, event_type.rust_name, event_type.schema
    );
    Error::new(ErrorKind::Decode, DECODE, message).caused_by(error)
}

fn upcast<'a>(event_type: &EventType, schema: &Schema, payload: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    match schema {
        Schema::Number(number) if *number == event_type.schema => Ok(payload.into()),
        Schema::Number(number) if (1..event_type.schema).contains(number) => event_type
            .upcasts
            .iter()
            .filter(|upcast| upcast.from >= *number)
            .try_fold(Cow::Borrowed(payload), |payload, upcast| (upcast.step)(&payload).map(Cow::Owned))
            .map_err(|error| undecodable(event_type, error).with("upcast from schema", number)),
        _ => {
            let message = format!(
                "`{}` was stored with schema {schema}, this program reads 1 to {}; run a program that knows it",
                event_type.name, event_type.schema
            );
            Err(Error::new(ErrorKind::Incompatible, DECODE, message))
        }
    }
}
