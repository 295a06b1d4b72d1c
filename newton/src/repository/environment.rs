//! What every repository of an app shares.

use std::sync::Arc;

use crate::domain::{Clock, Name};
use crate::repository::snapshot::SnapshotWriter;
use crate::repository::{RetryPolicy, SnapshotPolicy};
use crate::store::{EventStore, StateStore};

/// The stores and services that repositories stand on.
#[derive(Debug)]
pub struct Environment {
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) snapshots: SnapshotWriter,
}

/// How repositories behave.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of this service in its events' metadata.
    pub service: Name,
    /// How conflicting commands are decided again.
    pub retry: RetryPolicy,
    /// When snapshots are due, for aggregates that do not say themselves.
    pub snapshots: SnapshotPolicy,
    /// One in so many uses of a snapshot is checked by a full refold in the background; 0 turns the audit off.
    pub audit_every: u64,
    /// The most aggregates of one type whose folded state is kept; 0 keeps none.
    pub cached_aggregates: usize,
    /// Whether commands that were rejected are recorded, which costs an append each.
    pub record_rejections: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            service: Name::from_static("newton"),
            retry: RetryPolicy::default(),
            snapshots: SnapshotPolicy::default(),
            audit_every: 1_000,
            cached_aggregates: 10_000,
            record_rejections: false,
        }
    }
}

impl Environment {
    /// An environment over a pair of stores.
    ///
    /// Must be called in a tokio runtime: snapshots are written by a task of their own.
    pub fn new(
        events: Arc<dyn EventStore>,
        state: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        let snapshots = SnapshotWriter::spawn(state.clone());
        Self { events, state, clock, settings, snapshots }
    }
}
