//! Listing streams.

use serde::{Deserialize, Serialize};

use crate::domain::{StreamName, Version};
use crate::error::Result;
use crate::store::read::admit_limit;

/// A request for stream names, sorted, a page at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StreamInfo {
    /// Its name.
    pub name: StreamName,
    /// The version of its last event, a tombstone included.
    pub version: Version,
    /// Whether it ended with a tombstone.
    pub deleted: bool,
}

impl Streams {
    /// The names one page holds unless [`limit`](Self::limit) says otherwise.
    pub const PAGE: usize = 1_000;

    /// All streams that do not belong to the system, from the first name.
    pub fn all() -> Self {
        Self { domain: None, after: None, limit: Self::PAGE, system: false }
    }

    /// Checks a listing before a store touches it: every store calls this first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where the limit is 0.
    pub fn admit(&self) -> Result<()> {
        admit_limit("list streams", self.limit)
    }
}
