//! When a snapshot is due.

use std::fmt;
use std::sync::Arc;

use crate::domain::{StreamName, Version};

/// When a snapshot of an aggregate is due.
#[derive(Clone)]
pub enum SnapshotPolicy {
    /// Never.
    Never,
    /// Once so many events have come since the last one.
    Every(u64),
    /// When the function says so.
    When(Arc<dyn Fn(SnapshotDue<'_>) -> bool + Send + Sync>),
}

/// What a policy may decide by.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotDue<'a> {
    /// The stream.
    pub stream: &'a StreamName,
    /// Its version.
    pub version: Version,
    /// How many events have come since the last snapshot this process knows of.
    pub events: u64,
}

impl SnapshotPolicy {
    pub(super) fn is_due(&self, due: SnapshotDue<'_>) -> bool {
        match self {
            Self::Never | Self::Every(0) => false,
            Self::Every(events) => due.events >= *events,
            Self::When(decide) => decide(due),
        }
    }
}

impl Default for SnapshotPolicy {
    fn default() -> Self {
        Self::Every(256)
    }
}

impl fmt::Debug for SnapshotPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("Never"),
            Self::Every(events) => write!(f, "Every({events})"),
            Self::When(_) => f.write_str("When(..)"),
        }
    }
}
