//! The records by which instances are found without reading their streams: timers by time, listeners, lists.
//!
//! All of them follow from the instances' streams, and are written with the place up to which those were read.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::saga::names::SPACE;
use crate::saga::record::Interest;
use crate::store::{StateKey, StateRecord};

/// Timers, by the time they are due.
pub(crate) const TIMER: &str = "timer";
/// Tags that instances listen to.
pub(crate) const LISTEN: &str = "listen";
/// Instances that have something to do.
pub(crate) const OPEN: &str = "open";
/// Instances that run.
pub(crate) const RUNNING: &str = "running";
/// Instances that ended by themselves.
pub(crate) const ENDED: &str = "ended";
/// Instances that were compensated.
pub(crate) const COMPENSATED: &str = "compensated";
/// Events without an instance.
pub(crate) const UNMATCHED: &str = "unmatched";
/// Events that came after the end.
pub(crate) const LATE: &str = "late";
/// The place up to which the streams were read, and the counts.
pub(crate) const INDEX: &str = "index";

/// A timer of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimerRow {
    pub(crate) instance: String,
    pub(crate) name: String,
    /// The record that set it.
    pub(crate) set_by: String,
}

/// A tag that an instance listens to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ListenRow {
    pub(crate) instance: String,
    pub(crate) tag: Interest,
    /// Only events behind this place.
    pub(crate) since: u64,
}

/// An instance in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InstanceRow {
    pub(crate) key: String,
    /// When it was started or ended, in microseconds since 1970.
    pub(crate) time: i64,
}

/// An event that no instance took in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RefusedRow {
    pub(crate) order_id: u64,
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) reason: String,
}

/// How far the index has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexRow {
    /// The records up to here are in it.
    pub(crate) records: u64,
    /// The events up to here are counted.
    pub(crate) counted: u64,
    pub(crate) unmatched: u64,
    pub(crate) late: u64,
}

pub(crate) fn write(row: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(row).map(Bytes::from).map_err(|error| {
        Error::new(ErrorKind::Internal, "write saga index", "a record has no JSON form").caused_by(error)
    })
}

pub(crate) fn read<T: DeserializeOwned>(record: &StateRecord) -> Result<T> {
    serde_json::from_slice(&record.value).map_err(|error| {
        let message = "a record is not what Newton writes; run the program that wrote it";
        Error::new(ErrorKind::Decode, "read saga index", message)
            .with("record", StateKey::new(SPACE, record.key.clone()))
            .caused_by(error)
    })
}
