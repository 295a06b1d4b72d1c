//! The one task of a node: it renews all leases with one write, looks for losses, and gives back what nobody wants.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::process;
use super::record::{LEASES, LeaseRecord, NODES, NodeRecord, lease_key, node_key, parse, put};
use super::shared::Shared;
use crate::domain::Name;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Expect, Revision, Scan, StateKey, StateStoreExt, StateWrite};
use crate::subscription::Stop;

/// How many renewals lie between two searches for the records of dead nodes.
const SWEEP_EVERY: u32 = 30;

/// So many of its terms a node's record stands still before it is removed: nobody was left to take over.
const DEAD_AFTER: u32 = 10;

/// The task's hold on its node: however it ends, its leases are lost.
pub(super) struct Task(pub(super) Arc<Shared>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.task_ended();
    }
}

pub(super) async fn run(task: Task, mut stop: Stop) {
    let shared = &task.0;
    let (mut next, mut renewals, mut unsettled, mut seen) = (Instant::now(), 0, false, HashMap::new());
    loop {
        tokio::select! {
            // What is due comes before what is new.
            biased;
            () = stop.requested() => break,
            () = sleep_until(next), if unsettled || shared.holds_any() => {
                let since = Instant::now();
                let pause = beat(shared).await;
                (next, unsettled, renewals) = (since + pause, pause < shared.renewal(), renewals + 1);
                if renewals % SWEEP_EVERY == 0 && let Err(error) = sweep(shared, &mut seen, since).await {
                    tracing::debug!(%error, "the records of dead nodes were not removed");
                }
            }
            () = shared.woken.notified() => {
                unsettled |= shared.is_anything_returned() && give_back_unclaimed(shared).await.is_err();
            }
        }
    }
    shared.lose_all();
    if !matches!(timeout(shared.term, leave(shared)).await, Ok(Ok(()))) {
        tracing::warn!("leases were not given back; they run out");
    }
}

/// Renews once, and says how soon to do it again.
async fn beat(shared: &Shared) -> Duration {
    let since = Instant::now();
    // After a pause of the whole process there is still time for one try: nobody may have noticed.
    let end = shared.held_until().unwrap_or(since).max(since + shared.renewal());
    let outcome = match timeout_at(end, renew(shared)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let message = "the state store did not answer in time";
            Err(Error::new(ErrorKind::Unavailable, "renew leases", message))
        }
    };
    shared.renewed(since, &outcome);
    let Err(error) = outcome else { return shared.renewal() };
    tracing::warn!(%error, "leases could not be renewed");
    let left = shared.held_until().map(|until| until.saturating_duration_since(Instant::now()));
    if left.is_some_and(|left| left.is_zero()) {
        shared.lose_all();
    }
    left.map_or(shared.look(), |left| left.min(shared.look()))
}

async fn renew(shared: &Shared) -> Result<()> {
    // As it is before the scan: what is taken meanwhile need not be in there.
    let held = shared.held();
    if !held.is_empty() {
        shared.state.write(vec![shared.sign_of_life()?]).await?;
    }
    let mut own = own_leases(shared).await?;
    for (name, epoch) in held {
        if own.get(&name).is_none_or(|(found, _)| *found != epoch) {
            shared.lose(&name, epoch);
        }
    }
    own.retain(|name, _| !shared.is_claimed(name));
    give_back(shared, own).await
}

async fn give_back_unclaimed(shared: &Shared) -> Result<()> {
    let mut own = own_leases(shared).await?;
    own.retain(|name, _| !shared.is_claimed(name));
    give_back(shared, own).await
}

/// What belongs to this node by the store, with its epoch.
async fn own_leases(shared: &Shared) -> Result<HashMap<Name, (u64, Revision)>> {
    let mut own = HashMap::new();
    let mut records = std::pin::pin!(shared.state.records(Scan::of(LEASES, "")));
    while let Some(record) = records.try_next().await? {
        let lease: LeaseRecord = parse(&LEASES, &record)?;
        if lease.holder.as_ref() == Some(&shared.id) {
            own.insert(record.key, (lease.epoch, record.revision));
        }
    }
    Ok(own)
}

/// Frees leases of this node. At once, so that they share a commit, and one by one, so that none waits for another.
async fn give_back(shared: &Shared, leases: HashMap<Name, (u64, Revision)>) -> Result<()> {
    if leases.is_empty() {
        return Ok(());
    }
    let writes = leases.into_iter().map(|(name, (epoch, revision))| async move {
        let free = LeaseRecord { holder: None, epoch };
        let free = put(lease_key(&name), Expect::Revision(revision), &free)?;
        match shared.state.write(vec![free]).await {
            // It was taken over, or an earlier write of its holder came late.
            Err(error) if is_conflict(&error) => shared.look_again(),
            outcome => drop(outcome?),
        }
        Ok(())
    });
    let outcome = join_all(writes).await.into_iter().collect();
    process::wake();
    outcome
}

/// Gives everything back and removes the node's record.
async fn leave(shared: &Shared) -> Result<()> {
    give_back(shared, own_leases(shared).await?).await?;
    let gone = StateWrite { key: node_key(&shared.id), expect: Expect::Any, value: None };
    shared.state.write(vec![gone]).await.map(drop)
}

/// Removes the records of nodes that have been dead for long. One that lives all the same writes its own again.
pub(super) async fn sweep(
    shared: &Shared,
    seen: &mut HashMap<Name, (Revision, Instant)>,
    now: Instant,
) -> Result<()> {
    let records: Vec<_> = shared.state.records(Scan::of(NODES, "")).try_collect().await?;
    let mut present = HashMap::new();
    for record in records {
        let first = (record.revision, now);
        let (revision, since) =
            seen.remove(&record.key).filter(|seen| seen.0 == record.revision).unwrap_or(first);
        let node: NodeRecord = parse(&NODES, &record)?;
        if now - since > node.term.saturating_mul(DEAD_AFTER) && *record.key != *shared.id {
            let key = StateKey { space: NODES, key: record.key };
            let gone = StateWrite { key, expect: Expect::Revision(revision), value: None };
            match shared.state.write(vec![gone]).await {
                Err(error) if !is_conflict(&error) => return Err(error),
                _ => {}
            }
        } else {
            present.insert(record.key, (revision, since));
        }
    }
    *seen = present;
    Ok(())
}

fn is_conflict(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StateConflict { .. })
}
