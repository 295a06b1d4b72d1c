//! What an append takes and gives.

use serde::{Deserialize, Serialize};

use crate::domain::wire::micros;
use crate::domain::{ExpectedVersion, NewEvent, OrderId, Query, StreamName, Timestamp, Version};

/// Events for one or several streams, all or nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Append {
    /// What goes to which stream; each stream once. Order ids follow this order.
    pub streams: Vec<StreamAppend>,
    /// Nothing is written unless this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// The time to record, by the caller's clock; a store raises it to the last recorded time if it is earlier.
    #[serde(with = "micros")]
    pub time: Timestamp,
}

/// Events for one stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StreamAppend {
    /// The stream.
    pub stream: StreamName,
    /// Where the stream must be.
    pub expected: ExpectedVersion,
    /// The events, at least one. A [`TOMBSTONE`](crate::domain::envelope::TOMBSTONE) must be the last.
    pub events: Vec<NewEvent>,
}

/// The dynamic consistency boundary: no event that matches the query has an order id above `after`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Condition {
    /// What must not have happened.
    pub query: Query,
    /// Since when.
    pub after: OrderId,
}

/// The outcome of an append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Appended {
    /// The order id of the last of its events.
    pub order_id: OrderId,
    /// For each stream, in the order of the append, the version of the last of its events.
    pub versions: Vec<Version>,
    /// When its events were recorded: the append's time, but never before what was recorded earlier.
    #[serde(with = "micros")]
    pub time: Timestamp,
    /// Whether the events were known already and nothing was written.
    pub duplicate: bool,
}

impl Append {
    /// Events for one stream.
    pub fn to(stream: StreamName, expected: ExpectedVersion, events: Vec<NewEvent>, time: Timestamp) -> Self {
        Self { streams: vec![StreamAppend { stream, expected, events }], condition: None, time }
    }
}
