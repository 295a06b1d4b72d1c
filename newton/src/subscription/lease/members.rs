//! Which nodes are there to share something out among.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::TryStreamExt;

use super::lease::Lease;
use super::node::Node;
use super::observer::Observer;
use super::record::{LEASES, LeaseRecord, parse};
use crate::domain::Name;
use crate::error::{ErrorKind, Result};
use crate::store::{Expect, Scan, StateKey, StateRecord, StateStoreExt, StateWrite};

/// A node's membership in a group of nodes: a lease of a name that only this node wants, so that its beat is kept up.
#[derive(Debug)]
pub(crate) struct Membership {
    node: Arc<Node>,
    prefix: Name,
    lease: Lease,
    observers: HashMap<String, Observer>,
}

impl Membership {
    /// Joins a group; whoever looks counts this node from then on.
    pub(crate) async fn join(node: &Arc<Node>, group: &Name) -> Result<Self> {
        let prefix = format!("{group}@");
        let lease = node.acquire(&Name::from(format!("{prefix}{}", node.shared.id))).await?;
        Ok(Self { node: node.clone(), prefix: prefix.into(), lease, observers: HashMap::new() })
    }

    /// Whether it ended against this node's will: it showed no life for too long.
    pub(crate) fn is_lost(&self) -> bool {
        self.lease.is_lost()
    }

    /// This node's place among the members that live, and how many these are. To be asked again and again: how long
    /// another one has shown no life is only seen by looking.
    pub(crate) async fn place(&mut self) -> Result<(usize, usize)> {
        let state = &self.node.shared.state;
        let records: Vec<_> = state.records(Scan::of(LEASES, self.prefix.clone())).try_collect().await?;
        let (mut before, mut living) = (0, 0);
        for record in records {
            if !self.lives(&record).await? {
                continue;
            }
            living += 1;
            before += usize::from(*record.key < **self.lease.name());
        }
        Ok((before, living.max(1)))
    }

    /// Leaves the group.
    pub(crate) async fn leave(self) -> Result<()> {
        self.lease.release().await
    }

    /// Whether a member lives; the record of one that does not is removed.
    async fn lives(&mut self, record: &StateRecord) -> Result<bool> {
        let lease: LeaseRecord = parse(&LEASES, record)?;
        let dead = match lease.holder {
            Some(holder) if holder == self.node.shared.id => return Ok(true),
            Some(holder) => {
                let observer = self.observers.entry(holder.clone()).or_default();
                let Some(dead) = self.node.dead(&holder, observer).await? else { return Ok(true) };
                self.observers.remove(&holder);
                Some(dead)
            }
            None => None,
        };
        let key = StateKey { space: LEASES, key: record.key.clone() };
        let gone = StateWrite { key, expect: Expect::Revision(record.revision), value: None };
        match self.node.shared.state.write(std::iter::once(gone).chain(dead).collect()).await {
            Err(error) if !matches!(error.kind(), ErrorKind::StateConflict { .. }) => Err(error),
            _ => Ok(false),
        }
    }
}
