//! The state store: small versioned records for snapshots, checkpoints, leases and the like.

use std::collections::HashSet;
use std::fmt::{self, Debug};
use std::ops::Deref;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::domain::Name;
use crate::domain::wire::octets;
use crate::error::{Error, ErrorKind, Result};
use crate::store::read::admit_limit;

/// A store of small records with compare-and-set batches and range scans.
///
/// The contract, which the suite in `testkit::contract` checks: a batch is written whole or not at all; a revision is
/// never used twice for one key, not even after a delete; a scan is sorted by key, by bytes.
#[async_trait]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// The record under a key.
    async fn get(&self, key: &StateKey) -> Result<Option<StateRecord>>;

    /// Writes a batch, each key at most once, and gives the new revision of each write, in order.
    ///
    /// # Errors
    /// [`ErrorKind::StateConflict`] naming the first key whose expectation did not
    /// hold; nothing was written.
    async fn write(&self, batch: Vec<StateWrite>) -> Result<Vec<Revision>>;

    /// A page of records of one space.
    async fn scan(&self, scan: Scan) -> Result<Vec<StateRecord>>;
}

/// Where a record lives: a space, such as `snapshot`, and a key in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StateKey {
    /// The kind of record.
    pub space: Name,
    /// The key inside the space; at most [`MAX_LEN`](Self::MAX_LEN) bytes.
    pub key: Name,
}

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StateRecord {
    /// Its key inside the space.
    pub key: Name,
    /// Changes with every write.
    pub revision: Revision,
    /// Its content; JSON where Newton writes it.
    #[serde(with = "octets")]
    pub value: Bytes,
}

/// The revision of a record; rises with every write of its key, and never comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(pub u64);

/// One write of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StateWrite {
    /// Where.
    pub key: StateKey,
    /// What must be there.
    pub expect: Expect,
    /// The new content; `None` deletes.
    #[serde(with = "octets::optional")]
    pub value: Option<Bytes>,
}

/// What a write expects of the record it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Anything.
    Any,
    /// That there is none.
    Absent,
    /// That it still has this revision.
    Revision(Revision),
}

/// A request for the records of one space, sorted by key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scan {
    /// The kind of record.
    pub space: Name,
    /// Only keys that start so.
    pub prefix: Name,
    /// Only keys above this one: the last of the page before.
    pub after: Option<Name>,
    /// The most records, at least 1.
    pub limit: usize,
}

impl StateKey {
    /// The longest key, in bytes.
    pub const MAX_LEN: usize = 2_048;

    /// A key in a space.
    pub fn new(space: impl Into<Name>, key: impl Into<Name>) -> Self {
        Self { space: space.into(), key: key.into() }
    }
}

impl Scan {
    /// The records one page holds unless [`limit`](Self::limit) says otherwise.
    pub const PAGE: usize = 1_000;

    /// All records of a space whose keys start with `prefix`, from the first.
    pub fn of(space: impl Into<Name>, prefix: impl Into<Name>) -> Self {
        Self { space: space.into(), prefix: prefix.into(), after: None, limit: Self::PAGE }
    }

    /// Checks a scan before a store touches it: every store calls this first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the limit is 0.
    pub fn admit(&self) -> Result<()> {
        admit_limit("scan state", self.limit)
    }
}

impl fmt::Display for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.space, self.key)
    }
}

/// Checks a batch before a store touches it: every store calls this first.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] where a key stands twice, is empty or too long.
pub fn admit(batch: &[StateWrite]) -> Result<()> {
    let invalid = |message, key: &StateKey| {
        Err(Error::new(ErrorKind::InvalidInput, "write state", message).with("key", key))
    };
    let mut seen = HashSet::with_capacity(batch.len());
    for StateWrite { key, .. } in batch {
        if key.space.is_empty() || key.key.is_empty() || key.key.len() > StateKey::MAX_LEN {
            return invalid("a key and its space need 1 to 2,048 bytes", key);
        }
        if !seen.insert(key) {
            return invalid("a key stands twice in one batch; keep its last write", key);
        }
    }
    Ok(())
}

#[async_trait]
impl<P> StateStore for P
where
    P: Deref<Target: StateStore> + Debug + Send + Sync + 'static,
{
    async fn get(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        (**self).get(key).await
    }

    async fn write(&self, batch: Vec<StateWrite>) -> Result<Vec<Revision>> {
        (**self).write(batch).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<StateRecord>> {
        (**self).scan(scan).await
    }
}
