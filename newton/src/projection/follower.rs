//! A copy of a projection's data on its way through the log: a task reads ahead, and the copy takes in what is at hand.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::domain::{Name, OrderId, Query, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::projection::keep::Replica;
use crate::store::{Position, Selection};
use crate::subscription::{Batch, Monitor, Phase, Stop, Subscribe, Subscription, Subscriptions};

/// The pages that are read ahead of the copy.
const PAGES_AHEAD: usize = 2;

/// The most events of such a page: to hand one over costs a task and a thread their sleep.
const PAGE: usize = 2_048;

/// A copy of the data that follows the log.
pub(super) struct Follower<R> {
    pub(super) replica: R,
    feed: mpsc::Receiver<Result<Batch>>,
    reader: JoinHandle<()>,
    pending: VecDeque<Arc<RecordedEvent>>,
    /// Everything up to here was applied, is pending, or does not concern it.
    through: OrderId,
}

impl<R: Replica> Follower<R> {
    /// Goes on behind the copy's position with the events of some types.
    pub(super) async fn open(replica: R, subscriptions: &Subscriptions, types: &[Name]) -> Result<Self> {
        let through = replica.position();
        let subscribe = Subscribe::hot_cold(Selection::All)
            .from(Position::OrderId(through.next()))
            .matching(Query::types(types.iter().cloned()));
        let subscription = subscriptions.open(subscribe).await?;
        let (sender, feed) = mpsc::channel(PAGES_AHEAD);
        let reader = tokio::spawn(read_ahead(subscription, sender));
        Ok(Self { replica, feed, reader, pending: VecDeque::new(), through })
    }

    /// Applies events until it is asked to halt; `monitor` is told, where this is the live copy.
    pub(super) async fn follow(&mut self, mut halt: Stop, monitor: &Monitor) -> Result<()> {
        loop {
            tokio::select! {
                biased;
                () = halt.requested() => return Ok(()),
                ready = self.ready() => ready?,
            }
            self.apply().await?;
            monitor.succeeded();
            self.tell(monitor);
        }
    }

    /// Waits until there is something to apply. Cancel-safe.
    pub(super) async fn ready(&mut self) -> Result<()> {
        if self.pending.is_empty() && self.through <= self.replica.position() {
            let batch = self.feed.recv().await;
            self.take(batch.unwrap_or_else(|| Err(ended()))?);
        }
        while self.pending.len() < self.replica.appetite() {
            match self.feed.try_recv() {
                Ok(batch) => self.take(batch?),
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Applies what is at hand, as much as the copy wants at once; gives how many events that was. To be run to its end.
    pub(super) async fn apply(&mut self) -> Result<usize> {
        let count = self.replica.appetite().clamp(1, self.pending.len().max(1));
        let events: Vec<_> = self.pending.drain(..count.min(self.pending.len())).collect();
        let through = match events.last() {
            Some(last) if !self.pending.is_empty() => last.order_id,
            _ => self.through,
        };
        let count = events.len();
        self.replica.apply(events, through).await?;
        Ok(count)
    }

    /// Tells how far it is.
    pub(super) fn tell(&self, monitor: &Monitor) {
        monitor.behind_since(self.pending.front().map(|event| event.time));
        monitor.parked_keys(self.replica.parked_keys());
        let idle = self.pending.is_empty() && self.feed.is_empty();
        monitor.enter(if idle { Phase::Live } else { Phase::CatchingUp });
        monitor.advance(self.replica.position());
    }

    fn take(&mut self, batch: Batch) {
        self.pending.extend(batch.events);
        self.through = self.through.max(batch.through);
    }
}

impl<R> Drop for Follower<R> {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read_ahead(mut subscription: Subscription, feed: mpsc::Sender<Result<Batch>>) {
    loop {
        let batch = match subscription.next_batch(PAGE).await {
            Ok(Some(batch)) => Ok(batch),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let failed = batch.is_err();
        if feed.send(batch).await.is_err() || failed {
            return;
        }
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Internal, "read ahead", "the task that reads for a projection ended by itself")
}
