//! The records of a ledger: where they are, and their JSON.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::{Name, OrderId};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Expect, StateKey, StateRecord, StateWrite};

/// The space of [`Layout`]s.
pub(super) const LAYOUT: Name = Name::from_static("reaction");
/// The space of places, by segment.
pub(super) const PLACE: Name = Name::from_static("checkpoint");
/// The space of [`ParkedMark`]s: a key is parked while it has one.
pub(super) const MARK: Name = Name::from_static("parked-key");
/// The space of [`ParkedRecord`]s.
pub(super) const PARKED: Name = Name::from_static("parked");
/// The space of [`DroppedRecord`]s.
pub(super) const DROPPED: Name = Name::from_static("dropped");

/// How a reaction is cut into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    /// How many segments there are.
    pub(crate) segments: u32,
    /// How many there are to be: nobody works before they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wanted: Option<u32>,
    /// Where to go back to, once nobody works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replay_after: Option<u64>,
}

impl Layout {
    /// Whether whoever works is to stop for a change.
    pub(crate) fn is_settled(self) -> bool {
        self.wanted.is_none() && self.replay_after.is_none()
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ParkedMark {
    pub(super) key: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ParkedRecord {
    pub(super) key: String,
    pub(super) order_id: u64,
    pub(super) event_id: String,
    pub(super) cause: Option<String>,
    pub(super) attempts: u32,
    /// In microseconds since 1970.
    pub(super) since: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DroppedRecord {
    pub(super) parked: ParkedRecord,
    pub(super) reason: String,
    /// In microseconds since 1970.
    pub(super) time: i64,
}

/// Texts one behind the other, each with its length in front: no two lists give the same, and the first parts of a list
/// are a prefix of the whole.
pub(super) fn path(parts: &[&str]) -> String {
    let written: Vec<_> = parts.iter().map(|part| format!("{:04x}{part}", part.len())).collect();
    written.concat()
}

/// The key of an event that is set aside: those of one parked key sort by order id.
pub(super) fn event_key(space: Name, reaction: &str, key: &str, order_id: OrderId) -> StateKey {
    StateKey::new(space, format!("{}{:020}", path(&[reaction, key]), order_id.0))
}

pub(super) fn put(key: StateKey, expect: Expect, value: &impl Serialize) -> Result<StateWrite> {
    let value = serde_json::to_vec(value).map_err(|error| {
        Error::new(ErrorKind::Internal, "write ledger", "a record has no JSON form").caused_by(error)
    })?;
    Ok(StateWrite { key, expect, value: Some(Bytes::from(value)) })
}

pub(super) fn delete(key: StateKey, expect: Expect) -> StateWrite {
    StateWrite { key, expect, value: None }
}

pub(super) fn read<T: DeserializeOwned>(space: &Name, record: &StateRecord) -> Result<T> {
    serde_json::from_slice(&record.value).map_err(|error| {
        let message = "a record is not what Newton writes; run the program that wrote it";
        Error::new(ErrorKind::Decode, "read ledger", message)
            .with("record", StateKey::new(space.clone(), record.key.clone()))
            .caused_by(error)
    })
}
