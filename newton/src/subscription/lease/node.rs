//! An app among those that share a store, and how it takes a lease.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::heartbeat::{self, Task};
use super::lease::Lease;
use super::observer::Observer;
use super::process;
use super::record::{LEASES, LeaseRecord, NODES, NodeRecord, lease_key, node_key, parse, put};
use super::shared::{Heartbeat, Shared};
use crate::domain::Name;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Expect, Revision, StateKey, StateStore, StateWrite};
use crate::subscription::Stopper;

/// This app's membership among the nodes that share a store. Its leases keep it; after the last of them it leaves.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) shared: Arc<Shared>,
    stopper: Stopper,
}

/// A name that one caller of this node holds or wants; given back when dropped.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) node: Arc<Node>,
    pub(super) name: Name,
    /// Whether nothing is left to be freed in the store.
    pub(super) is_free: bool,
}

/// A lease to be taken, if it is still as it was seen.
struct Attempt {
    epoch: u64,
    /// The lease, a sign of life, and the record of a dead holder.
    batch: Vec<StateWrite>,
    since: Instant,
}

/// A lease as it was taken.
pub(super) struct Taken {
    pub(super) epoch: u64,
    pub(super) revision: Revision,
    /// When its taking, which is a sign of life too, was begun.
    since: Instant,
}

impl Node {
    /// How long a node's beat may stand still before its leases are free, unless the app says otherwise.
    pub(crate) const TERM: Duration = Duration::from_secs(3);

    /// Below this a busy machine would lose leases all the time.
    const SHORTEST_TERM: Duration = Duration::from_millis(100);

    #[cfg(test)]
    pub(crate) fn new(state: Arc<dyn StateStore>) -> Arc<Self> {
        Self::with_term(state, Self::TERM)
    }

    pub(crate) fn with_term(state: Arc<dyn StateStore>, term: Duration) -> Arc<Self> {
        let id = Uuid::now_v7().to_string();
        process::enter(&id);
        let shared = Arc::new(Shared::new(state, term.max(Self::SHORTEST_TERM), id));
        Arc::new(Self { shared, stopper: Stopper::new() })
    }

    /// Waits until this node holds the lease of that name. One caller at a time has it inside a node too. Cancel-safe.
    pub(crate) async fn acquire(self: &Arc<Self>, name: &Name) -> Result<Lease> {
        let mut claim = self.claim(name).await?;
        let (mut changes, mut observer) = (process::changes(), Observer::default());
        loop {
            changes.mark_unchanged();
            if let Some(attempt) = self.attempt(name, &mut observer).await? {
                // In a task of its own: where the caller gives up meanwhile, what was taken is known and given back.
                let made = tokio::spawn(async move { (attempt.make(&claim.node).await, claim) });
                let (taken, back) = made.await.map_err(|error| {
                    Error::new(ErrorKind::Closed, "acquire lease", "the runtime is ending").caused_by(error)
                })?;
                claim = back;
                // Whoever was faster can be seen now.
                let Some(taken) = taken? else { continue };
                if let Some(lost) = self.shared.hold(name, taken.epoch, taken.since) {
                    self.ensure_task();
                    return Ok(Lease::new(claim, &taken, lost));
                }
            }
            self.check_open()?;
            // An error says that nobody in this process can change anything any more, which is no reason to give up.
            let _ = timeout(self.shared.look(), changes.changed()).await;
        }
    }

    /// How this node is doing.
    pub(crate) fn heartbeat(&self) -> Heartbeat {
        self.shared.heartbeat()
    }

    /// Gives back all leases, which their holders are told, and takes no more.
    pub(crate) async fn close(&self) {
        let mut changes = process::changes();
        self.shared.close();
        self.stopper.stop();
        while self.shared.has_task() && changes.changed().await.is_ok() {}
    }

    async fn claim(self: &Arc<Self>, name: &Name) -> Result<Claim> {
        let mut changes = process::changes();
        loop {
            self.check_open()?;
            if self.shared.claim(name) {
                break;
            }
            let _ = changes.changed().await;
        }
        self.ensure_task();
        Ok(Claim { node: self.clone(), name: name.clone(), is_free: false })
    }

    /// The task ends with the runtime it was started in, which need not be the last one.
    fn ensure_task(&self) {
        if self.shared.needs_task() {
            tokio::spawn(heartbeat::run(Task(self.shared.clone()), self.stopper.signal()));
        }
    }

    fn check_open(&self) -> Result<()> {
        if self.shared.is_closed() {
            return Err(Error::new(ErrorKind::Closed, "acquire lease", "the app was shut down"));
        }
        Ok(())
    }

    /// How to take the lease, if nobody has it, or nobody who lives.
    async fn attempt(&self, name: &Name, observer: &mut Observer) -> Result<Option<Attempt>> {
        let key = lease_key(name);
        let Some(record) = self.shared.state.get(&key).await? else {
            return self.take(key, Expect::Absent, 1).map(Some);
        };
        let lease: LeaseRecord = parse(&LEASES, &record)?;
        let mut attempt = self.take(key, Expect::Revision(record.revision), lease.epoch + 1)?;
        if let Some(holder) = lease.holder.filter(|holder| *holder != self.shared.id) {
            let Some(dead) = self.dead(&holder, observer).await? else { return Ok(None) };
            attempt.batch.push(dead);
        }
        Ok(Some(attempt))
    }

    fn take(&self, key: StateKey, expect: Expect, epoch: u64) -> Result<Attempt> {
        let lease = LeaseRecord { holder: Some(self.shared.id.clone()), epoch };
        let batch = vec![put(key, expect, &lease)?, self.shared.sign_of_life()?];
        Ok(Attempt { epoch, batch, since: Instant::now() })
    }

    /// Where a holder is dead, the write that removes its record if it is still so.
    pub(super) async fn dead(&self, holder: &str, observer: &mut Observer) -> Result<Option<StateWrite>> {
        let key = node_key(holder);
        let Some(record) = self.shared.state.get(&key).await? else {
            return Ok(Some(StateWrite { key, expect: Expect::Absent, value: None }));
        };
        let node: NodeRecord = parse(&NODES, &record)?;
        // Two looks: one may come late on a busy machine.
        let still = observer.look(holder, node.beat, Instant::now(), self.shared.look() * 2);
        if still < node.term && !node.process.has_lost(holder) {
            return Ok(None);
        }
        Ok(Some(StateWrite { key, expect: Expect::Revision(record.revision), value: None }))
    }
}

impl Attempt {
    async fn make(self, node: &Node) -> Result<Option<Taken>> {
        let Self { epoch, batch, since } = self;
        match node.shared.state.write(batch).await {
            Ok(revisions) => Ok(revisions.first().map(|&revision| Taken { epoch, revision, since })),
            // Another one was faster, or the holder gave a sign of life at the last moment.
            Err(error) if matches!(error.kind(), ErrorKind::StateConflict { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Its task gives back what is left, and others in this process need not wait for that.
        self.shared.close();
        process::leave(&self.shared.id);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.node.shared.disclaim(&self.name, self.is_free);
    }
}
