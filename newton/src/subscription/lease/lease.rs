//! What a holder has, and writes through.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::node::{Claim, Taken};
use super::record::{LEASES, LeaseRecord, lease_key, parse, put};
use super::shared::Shared;
use crate::domain::Name;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Expect, Revision, StateKey, StateWrite};
use crate::subscription::Stop;

/// The right to run something alone among all apps on one store, until it is released or taken over.
///
/// It is renewed by itself. A process that stood still for longer than the term, and whose lease another one took over,
/// does not know of it until it runs again: what must not happen twice goes through [`write`](Self::write), or to
/// something that refuses a lower [`epoch`](Self::epoch) than it has seen. Dropping a lease gives it back soon.
#[derive(Debug)]
pub struct Lease {
    claim: Claim,
    epoch: u64,
    /// The record as this holder knows it. Its writes wait for each other, for each changes it.
    revision: Mutex<Revision>,
    lost: Stop,
}

impl Lease {
    pub(super) fn new(claim: Claim, taken: &Taken, lost: Stop) -> Self {
        Self { claim, epoch: taken.epoch, revision: Mutex::new(taken.revision), lost }
    }

    /// Rises with every holder: whoever keeps data elsewhere refuses writes of an earlier epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.claim.name
    }

    /// Whether it is known to be lost. That it is not known says little about a process that may stand still at any time.
    pub fn is_lost(&self) -> bool {
        self.lost.is_requested()
    }

    /// Writes a batch of state records that takes effect only while the lease is held.
    ///
    /// # Errors
    /// [`ErrorKind::StateConflict`] with the [`key`](Self::key) of the lease where it was lost; with another key where a
    /// record of the batch is not as it expects. Nothing was written then. The errors of the store.
    pub async fn write(&self, batch: Vec<StateWrite>) -> Result<()> {
        self.write_as(Some(&self.shared().id), batch).await
    }

    /// Waits until the lease is known to be lost. Cancel-safe.
    pub async fn lost(&self) {
        self.lost.clone().requested().await;
    }

    /// Gives the lease back, so that another node need not wait for it to run out.
    ///
    /// # Errors
    /// Those of the store; the lease is then given back as if it had been dropped. One that was lost is no error.
    pub async fn release(mut self) -> Result<()> {
        let outcome = self.write_as(None, Vec::new()).await;
        match outcome {
            Err(error) if *error.kind() != self.lost_kind() => return Err(error),
            _ => self.claim.is_free = true,
        }
        Ok(())
    }

    /// The key of its record, by which an error says that the lease was lost.
    pub fn key(&self) -> StateKey {
        lease_key(&self.claim.name)
    }

    /// Writes a batch and the lease's record with it.
    async fn write_as(&self, holder: Option<&String>, batch: Vec<StateWrite>) -> Result<()> {
        let mut revision = self.revision.lock().await;
        loop {
            if self.is_lost() {
                return Err(self.lost_error());
            }
            let record = LeaseRecord { holder: holder.cloned(), epoch: self.epoch };
            // The first of the batch: where it was lost, that is the conflict that is told.
            let mut guarded = vec![put(self.key(), Expect::Revision(*revision), &record)?];
            guarded.extend(batch.iter().cloned());
            match self.shared().state.write(guarded).await {
                Ok(revisions) => {
                    *revision = revisions.first().copied().unwrap_or(*revision);
                    return Ok(());
                }
                Err(error) if *error.kind() == self.lost_kind() => *revision = self.look_again().await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The revision of the record where this holder still has it: an earlier write of its own took effect although its
    /// answer was lost, or nobody waited for it.
    async fn look_again(&self) -> Result<Revision> {
        if let Some(record) = self.shared().state.get(&self.key()).await? {
            let lease: LeaseRecord = parse(&LEASES, &record)?;
            if lease.epoch == self.epoch && lease.holder.as_ref() == Some(&self.shared().id) {
                return Ok(record.revision);
            }
        }
        self.shared().lose(&self.claim.name, self.epoch);
        Err(self.lost_error())
    }

    fn lost_kind(&self) -> ErrorKind {
        ErrorKind::StateConflict { key: self.key() }
    }

    fn lost_error(&self) -> Error {
        let message = "the lease was lost, and another node may have it; stop, and acquire it again";
        Error::new(self.lost_kind(), "write with lease", message)
            .with("lease", self.name())
            .with("epoch", self.epoch)
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.claim.node.shared
    }
}
