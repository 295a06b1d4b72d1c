//! Snapshots: folded states in the state store, which only save time.
//!
//! A snapshot is one record in the space `snapshot` under the stream's name: its version, the fingerprint of the fold
//! and the state as JSON. One with another fingerprint is not used. They are written by a task of their own, the
//! latest of each stream once in a while. One use in so many is audited: the stream is folded again in full, and if
//! the states differ, all snapshots of that type are discarded.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use crate::domain::{Aggregate, AggregateId, Fingerprint, Name, StreamName, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::Repository;
use crate::repository::fold::Fold;
use crate::repository::lane::Turn;
use crate::repository::rehydrate::fold_up_to;
use crate::store::{Expect, Scan, StateKey, StateStore, StateWrite};

const SPACE: Name = Name::from_static("snapshot");

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

/// What the audit has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditStats {
    /// Snapshots that were compared with a full fold.
    pub checked: u64,
    /// Those that differed.
    pub failed: u64,
}

impl SnapshotPolicy {
    fn is_due(&self, due: SnapshotDue<'_>) -> bool {
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

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    version: u64,
    fingerprint: u64,
    #[serde(borrow)]
    state: &'a RawValue,
}

fn encode<A: Aggregate>(fold: &Fold<A>, fingerprint: u64) -> serde_json::Result<Bytes> {
    let state = String::from_utf8(fold.state.encode_state()?).map_err(serde::ser::Error::custom)?;
    let state = RawValue::from_string(state)?;
    serde_json::to_vec(&Record { version: fold.version.0, fingerprint, state: &state }).map(Bytes::from)
}

/// The state in a record; `None` where it belongs to another fold or cannot be read, which only costs time.
fn decode<A: Aggregate>(value: &[u8], fingerprint: u64) -> Option<Fold<A>> {
    let record: Record<'_> = serde_json::from_slice(value).ok()?;
    let state =
        (record.fingerprint == fingerprint).then(|| A::decode_state(record.state.get().as_bytes()))?.ok()?;
    let version = Version(record.version);
    Some(Fold { state, version, snapshot: version, ..Fold::default() })
}

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
        Ok(record.and_then(|record| decode(&record.value, fingerprint)))
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
        self.environment().snapshots.offer(key(stream), Box::new(move || encode(&copy, fingerprint)));
    }

    /// Deletes the stream's snapshot.
    pub(crate) async fn discard_snapshot(&self, stream: &StreamName) -> Result<()> {
        let write = StateWrite { key: key(stream), expect: Expect::Any, value: None };
        self.environment().state.write(vec![write]).await.map(drop)
    }

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

fn key(stream: &StreamName) -> StateKey {
    StateKey::new(SPACE, stream.as_str())
}

/// A state as a JSON value, in which the order of a map's keys does not count.
fn json<A: Aggregate>(state: &A) -> Result<serde_json::Value> {
    let encoded = state.encode_state().and_then(|state| serde_json::from_slice(&state));
    encoded.map_err(|error| {
        Error::new(ErrorKind::Internal, "audit snapshot", "the state has no JSON form").caused_by(error)
    })
}

type Encode = Box<dyn FnOnce() -> serde_json::Result<Bytes> + Send>;

enum Message {
    Write(StateKey, Encode),
    Flush(oneshot::Sender<()>),
}

/// Writes snapshots off the hot path.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotWriter(mpsc::Sender<Message>);

impl SnapshotWriter {
    /// So many may wait; more are given up, for a later one does as well.
    const WAITING: usize = 1_024;

    /// So long it collects, so that a busy aggregate is written once and many share a commit.
    const COLLECT: Duration = Duration::from_millis(50);

    pub(crate) fn spawn(state: Arc<dyn StateStore>) -> Self {
        let (sender, receiver) = mpsc::channel(Self::WAITING);
        tokio::spawn(write_snapshots(state, receiver));
        Self(sender)
    }

    fn offer(&self, key: StateKey, encode: Encode) {
        let _ = self.0.try_send(Message::Write(key, encode));
    }

    /// Waits until all that was offered is written.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.0.send(Message::Flush(done)).await.is_ok() {
            let _ = flushed.await;
        }
    }
}

async fn write_snapshots(state: Arc<dyn StateStore>, mut messages: mpsc::Receiver<Message>) {
    let mut waiting = HashMap::new();
    while let Some(message) = messages.recv().await {
        let deadline = tokio::time::Instant::now() + SnapshotWriter::COLLECT;
        let mut flushed = collect(message, &mut waiting);
        while flushed.is_none() && waiting.len() < SnapshotWriter::WAITING {
            let Ok(Some(message)) = tokio::time::timeout_at(deadline, messages.recv()).await else { break };
            flushed = collect(message, &mut waiting);
        }
        write_batch(&*state, waiting.drain()).await;
        if let Some(done) = flushed {
            let _ = done.send(());
        }
    }
}

fn collect(message: Message, waiting: &mut HashMap<StateKey, Encode>) -> Option<oneshot::Sender<()>> {
    match message {
        Message::Write(key, encode) => {
            waiting.insert(key, encode);
            None
        }
        Message::Flush(done) => Some(done),
    }
}

async fn write_batch(state: &dyn StateStore, waiting: impl Iterator<Item = (StateKey, Encode)>) {
    let writes = waiting.filter_map(|(key, encode)| match encode() {
        Ok(value) => Some(StateWrite { key, expect: Expect::Any, value: Some(value) }),
        Err(error) => {
            tracing::warn!(%key, %error, "a snapshot has no JSON form");
            None
        }
    });
    let writes: Vec<_> = writes.collect();
    if !writes.is_empty()
        && let Err(error) = state.write(writes).await
    {
        tracing::warn!(%error, "snapshots were not written; loads take longer until the next ones");
    }
}
