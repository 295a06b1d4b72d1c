//! What stands in the stream of a value: who reserved it, and who gave it up.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::id::EventIds;
use crate::domain::{
    AggregateId, CommandId, Metadata, Name, NewEvent, Payload, RecordedEvent, StreamName, Version,
};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::Order;
use crate::repository::unique::Claim;
use crate::store::{EventStore, Read, Selection};

pub(super) const RESERVED: Name = Name::from_static("$reserved");
pub(super) const RELEASED: Name = Name::from_static("$released");

/// The payload of either.
#[derive(Serialize, Deserialize)]
struct Entry<'a> {
    value: Cow<'a, str>,
    owner: Cow<'a, str>,
}

/// Where the stream of a value is, and who has the value by it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reservation {
    pub(super) version: Version,
    pub(super) owner: Option<AggregateId>,
}

impl Reservation {
    /// Reads the last entry of a value: as a rule the last of its stream.
    pub(super) async fn read(events: &dyn EventStore, stream: &StreamName, value: &str) -> Result<Self> {
        let mut read = Read::of(Selection::Stream(stream.clone())).backward().limit(1);
        let mut version = Version::EMPTY;
        loop {
            let page = events.read(read.clone()).await?;
            for event in &page.events {
                version = version.max(event.version);
                let entry = Entry::of(event)?;
                if entry.value == value {
                    let owner = AggregateId::parse(&*entry.owner);
                    let owner = owner.map_err(|error| broken(event).caused_by(error))?;
                    return Ok(Self { version, owner: (event.event_type == RESERVED).then_some(owner) });
                }
            }
            match page.next {
                Some(next) => read = read.from(next).limit(Read::PAGE),
                None => return Ok(Self { version, owner: None }),
            }
        }
    }
}

impl<'a> Entry<'a> {
    fn of(event: &'a RecordedEvent) -> Result<Self> {
        serde_json::from_slice(event.payload.as_bytes()).map_err(|error| broken(event).caused_by(error))
    }
}

fn broken(event: &RecordedEvent) -> Error {
    let message = "a reservation cannot be read; verify the store";
    let error = Error::new(ErrorKind::Decode, "read reservation", message);
    error.with("stream", &event.stream).with("version", event.version)
}

/// The entry that follows from a claim, at a place in the append to its stream.
///
/// Its id derives from the command, the holder's stream and this one, so that one command id may reach several holders.
pub(super) fn entry(
    claim: &Claim,
    event_type: Name,
    index: usize,
    order: &Order,
    metadata: &Arc<Metadata>,
) -> Result<NewEvent> {
    let of_holder = CommandId(EventIds::of(&order.command_id, &claim.holder).at(0).0);
    let entry = Entry { value: (&*claim.value).into(), owner: claim.id.as_str().into() };
    let payload = serde_json::to_vec(&entry).map_err(|error| {
        Error::new(ErrorKind::Internal, "reserve", "a reservation has no JSON form").caused_by(error)
    })?;
    Ok(NewEvent {
        id: EventIds::of(&of_holder, &claim.place).at(index),
        metadata: metadata.clone(),
        ..NewEvent::new(event_type, Payload::from_encoded(payload))
    })
}
