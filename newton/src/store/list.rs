//! Listing streams.

use crate::domain::{StreamName, Version};

/// A request for stream names, sorted, a page at a time.
#[derive(Clone, Debug)]
pub struct Streams {
    /// Only the streams of this domain.
    pub domain: Option<StreamName>,
    /// Only names behind this one: the last of the page before.
    pub after: Option<StreamName>,
    /// The most names, at least 1.
    pub limit: usize,
    /// Whether system streams are listed.
    pub system: bool,
}

/// A stream that has events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its name.
    pub name: StreamName,
    /// The version of its last event, a tombstone included.
    pub version: Version,
    /// Whether it ended with a tombstone.
    pub deleted: bool,
}
