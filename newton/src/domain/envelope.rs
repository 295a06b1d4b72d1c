//! Events before and after they are stored: two types, for only a store can record.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::wire::{micros, shared};
use crate::domain::{EventId, Metadata, Name, OrderId, Payload, Schema, StreamName, Tag, Timestamp, Version};

/// The type name of the event that ends a stream. No event follows it.
pub const TOMBSTONE: Name = Name::from_static("$deleted");

/// An event that is not stored yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NewEvent {
    /// Unique for ever: appending the same id again writes nothing.
    pub id: EventId,
    /// The stable name of its type.
    pub event_type: Name,
    /// The schema of its payload.
    pub schema: Schema,
    /// Its content.
    pub payload: Payload,
    /// What it can be found by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// Who, for whom, why; shared by the events of one append.
    #[serde(with = "shared")]
    pub metadata: Arc<Metadata>,
}

impl NewEvent {
    /// A JSON event with a generated id, schema 1, no tags and no metadata.
    pub fn new(event_type: impl Into<Name>, payload: Payload) -> Self {
        Self {
            id: EventId::generate(),
            event_type: event_type.into(),
            schema: Schema::Number(1),
            payload,
            tags: Vec::new(),
            metadata: Arc::default(),
        }
    }
}

/// An event as a store recorded it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecordedEvent {
    /// Unique for ever.
    pub id: EventId,
    /// The stream it is in.
    pub stream: StreamName,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the store.
    pub order_id: OrderId,
    /// When it was recorded, to the microsecond; never falls along the order id.
    #[serde(with = "micros")]
    pub time: Timestamp,
    /// The stable name of its type.
    pub event_type: Name,
    /// The schema of its payload.
    pub schema: Schema,
    /// Its content, byte for byte.
    pub payload: Payload,
    /// What it can be found by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// Who, for whom, why.
    #[serde(with = "shared")]
    pub metadata: Arc<Metadata>,
}

/// What folding an aggregate reads of an event, and no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoldEvent {
    /// Its place in the stream.
    pub version: Version,
    /// The stable name of its type.
    pub event_type: Name,
    /// The schema of its payload.
    pub schema: Schema,
    /// Its content.
    pub payload: Payload,
}

impl From<&RecordedEvent> for FoldEvent {
    fn from(event: &RecordedEvent) -> Self {
        Self {
            version: event.version,
            event_type: event.event_type.clone(),
            schema: event.schema.clone(),
            payload: event.payload.clone(),
        }
    }
}
