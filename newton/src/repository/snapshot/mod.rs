//! Snapshots: folded states in the state store, which only save time.
//!
//! A snapshot is one record in the space `snapshot` under the stream's name: its version, the fingerprint of the fold
//! and the state as JSON. One with another fingerprint is not used. They are written by a task of their own, the
//! latest of each stream once in a while. One use in so many is audited: the stream is folded again in full, and if
//! the states differ, all snapshots of that type are discarded.
//!
//! [`policy`]: when one is due; `record`: its form; `writer`: off the hot path; [`audit`]: whether it is right.

pub mod audit;
pub mod policy;
mod record;
mod writer;

pub(crate) use audit::Audit;
pub use audit::AuditStats;
pub use policy::{SnapshotDue, SnapshotPolicy};
pub(crate) use writer::SnapshotWriter;

use crate::domain::{Aggregate, Fingerprint, Name, StreamName};
use crate::error::Result;
use crate::repository::Repository;
use crate::repository::fold::Fold;
use crate::repository::lane::Turn;
use crate::store::{Expect, StateKey, StateStore, StateWrite};

const SPACE: Name = Name::from_static("snapshot");

impl<A: Aggregate> Repository<A> {
    /// The fingerprint that snapshots of this type carry; `None` where it has no snapshots.
    fn fingerprint(&self) -> Option<u64> {
        match (A::FINGERPRINT, self.policy()) {
            (Fingerprint::Known(fingerprint), policy) if !matches!(policy, SnapshotPolicy::Never) => {
                Some(fingerprint)
            }
            _ => None,
        }
    }

    fn policy(&self) -> SnapshotPolicy {
        match A::SNAPSHOT_EVERY {
            Some(0) => SnapshotPolicy::Never,
            Some(events) => SnapshotPolicy::Every(events),
            None => self.environment().settings.snapshots.clone(),
        }
    }

    /// The state of the stream's snapshot, if there is one of this fold.
    pub(crate) async fn snapshot(&self, stream: &StreamName) -> Result<Option<Fold<A>>> {
        let Some(fingerprint) = self.fingerprint() else { return Ok(None) };
        let record = self.environment().state.get(&key(stream)).await?;
        Ok(record.and_then(|record| record::decode(&record.value, fingerprint)))
    }

    /// Hands the state of a lane to the writer, if a snapshot is due.
    pub(crate) fn offer_snapshot(&self, turn: &mut Turn<A>) {
        let (Some(fold), Some(fingerprint)) = (&mut turn.fold, self.fingerprint()) else { return };
        let stream = &turn.lane.stream;
        let events = fold.version.0.saturating_sub(fold.snapshot.0);
        if !self.policy().is_due(SnapshotDue { stream, version: fold.version, events }) {
            return;
        }
        fold.snapshot = fold.version;
        let copy = fold.clone();
        self.environment().snapshots.offer(key(stream), Box::new(move || record::encode(&copy, fingerprint)));
    }

    /// Deletes the stream's snapshot.
    pub(crate) async fn discard_snapshot(&self, stream: &StreamName) -> Result<()> {
        let write = StateWrite { key: key(stream), expect: Expect::Any, value: None };
        self.environment().state.write(vec![write]).await.map(drop)
    }
}

fn key(stream: &StreamName) -> StateKey {
    StateKey::new(SPACE, stream.as_str())
}
