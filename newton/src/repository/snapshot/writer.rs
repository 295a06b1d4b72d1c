//! Writing snapshots off the hot path.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::store::{Expect, StateKey, StateStore, StateWrite};

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

    pub(super) fn offer(&self, key: StateKey, encode: Encode) {
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
