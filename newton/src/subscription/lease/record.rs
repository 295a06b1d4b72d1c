//! What is kept in the state store: one record for each node that holds leases, and one for each lease.

use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::process::Process;
use crate::domain::Name;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Expect, StateKey, StateRecord, StateWrite};

/// The space of the nodes' records, by the node's id.
pub(super) const NODES: Name = Name::from_static("node");

/// The space of the leases' records, by the lease's name.
pub(super) const LEASES: Name = Name::from_static("lease");

/// A node that holds leases, or held some.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodeRecord {
    /// Changes with every sign of life.
    pub(super) beat: u64,
    /// So long the beat may stand still before the node's leases are free.
    pub(super) term: Duration,
    pub(super) process: Process,
}

/// A lease. Its record stays when it is given back, so that epochs go on rising.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LeaseRecord {
    /// The node that has it.
    pub(super) holder: Option<String>,
    pub(super) epoch: u64,
}

pub(super) fn node_key(node: &str) -> StateKey {
    StateKey { space: NODES, key: node.into() }
}

pub(super) fn lease_key(lease: &Name) -> StateKey {
    StateKey { space: LEASES, key: lease.clone() }
}

/// A write of a record as JSON.
pub(super) fn put(key: StateKey, expect: Expect, record: &impl Serialize) -> Result<StateWrite> {
    match serde_json::to_vec(record) {
        Ok(json) => Ok(StateWrite { key, expect, value: Some(Bytes::from(json)) }),
        Err(error) => {
            let error =
                Error::new(ErrorKind::Internal, "use lease", "a record has no JSON form").caused_by(error);
            Err(error.with("record", key))
        }
    }
}

pub(super) fn parse<T: DeserializeOwned>(space: &Name, record: &StateRecord) -> Result<T> {
    serde_json::from_slice(&record.value).map_err(|error| {
        let message =
            "a record is not as Newton writes it; was it written by another program or a newer Newton?";
        let key = StateKey { space: space.clone(), key: record.key.clone() };
        Error::new(ErrorKind::Decode, "use lease", message).with("record", key).caused_by(error)
    })
}
