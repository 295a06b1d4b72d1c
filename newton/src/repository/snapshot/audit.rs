//! Whether snapshots are right: now and then one that was used is compared with a full fold.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::SPACE;
use crate::domain::{Aggregate, AggregateId, Name};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::Repository;
use crate::repository::fold::Fold;
use crate::repository::rehydrate::fold_up_to;
use crate::store::{Expect, Scan, StateKey, StateStore, StateWrite};

/// What the audit has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditStats {
    /// Snapshots that were compared with a full fold.
    pub checked: u64,
    /// Those that differed.
    pub failed: u64,
}

/// The state of the audit of one type.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    uses: AtomicU64,
    running: AtomicBool,
    checked: AtomicU64,
    failed: AtomicU64,
}

impl Audit {
    pub(crate) fn stats(&self) -> AuditStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AuditStats { checked: count(&self.checked), failed: count(&self.failed) }
    }
}

impl<A: Aggregate> Repository<A> {
    /// Checks one use of a snapshot in so many, in the background, one at a time.
    pub(crate) fn sample_audit(&self, id: &AggregateId, fold: &Fold<A>) {
        let (every, audit) = (self.environment().settings.audit_every, self.audit());
        if every == 0 || !audit.uses.fetch_add(1, Ordering::Relaxed).is_multiple_of(every) {
            return;
        }
        if audit.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let (repository, id, fold) = (self.clone(), id.clone(), fold.clone());
        tokio::spawn(async move {
            if let Err(error) = repository.audit_snapshot(&id, fold).await {
                tracing::warn!(%error, "a snapshot could not be audited");
            }
            repository.audit().running.store(false, Ordering::Release);
        });
    }

    async fn audit_snapshot(&self, id: &AggregateId, snapshot: Fold<A>) -> Result<()> {
        let (stream, version) = (self.stream(id), snapshot.version);
        let full = fold_up_to(Fold::<A>::default(), version, &stream, &*self.environment().events).await?;
        let equal = json(&snapshot.state)? == json(&full.state)?;
        if !equal {
            tracing::error!(
                %stream, %version, aggregate = A::DOMAIN,
                "a snapshot differs from the fold of its events; all snapshots of this type are discarded. \
                 Raise `#[aggregate(fold = ..)]` when `evolve` changes through code it calls"
            );
            self.discard_snapshots().await?;
            self.cache().clear();
            self.audit().failed.fetch_add(1, Ordering::Relaxed);
        }
        self.audit().checked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn discard_snapshots(&self) -> Result<()> {
        let prefix = Name::from(format!("{}/", A::DOMAIN));
        let mut scan = Scan { space: SPACE, prefix, after: None, limit: 500 };
        loop {
            let records = self.environment().state.scan(scan.clone()).await?;
            let Some(last) = records.last() else { return Ok(()) };
            scan.after = Some(last.key.clone());
            let delete =
                |key| StateWrite { key: StateKey { space: SPACE, key }, expect: Expect::Any, value: None };
            self.environment()
                .state
                .write(records.into_iter().map(|record| delete(record.key)).collect())
                .await?;
        }
    }
}

/// A state as a JSON value, in which the order of a map's keys does not count.
fn json<A: Aggregate>(state: &A) -> Result<serde_json::Value> {
    let encoded = state.encode_state().and_then(|state| serde_json::from_slice(&state));
    encoded.map_err(|error| {
        Error::new(ErrorKind::Internal, "audit snapshot", "the state has no JSON form").caused_by(error)
    })
}
