//! One aggregate's commands queue here instead of fighting each other at the store.
//!
//! The first to arrive takes the turn and works through what waits, a batch at a time; the others await their outcome.
//! Whoever drops its future loses nothing for the others: their requests come back to them, and they submit again.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;

use crate::domain::{Aggregate, AggregateId, StreamName};
use crate::repository::cache::Cache;
use crate::repository::fold::Fold;
use crate::repository::{ExecuteError, Order, Receipt};
use crate::sync::lock;

pub(crate) type Outcome<A> = Result<Receipt, ExecuteError<<A as Aggregate>::Rejection>>;

/// A command and how to execute it, shared by the one who waits and the one who works.
pub(crate) struct Job<A: Aggregate> {
    pub(crate) command: A::Command,
    pub(crate) order: Order,
}

pub(crate) struct Request<A: Aggregate> {
    pub(crate) job: Arc<Job<A>>,
    reply: oneshot::Sender<Outcome<A>>,
}

impl<A: Aggregate> Request<A> {
    pub(crate) fn new(job: Arc<Job<A>>) -> (Self, oneshot::Receiver<Outcome<A>>) {
        let (reply, outcome) = oneshot::channel();
        (Self { job, reply }, outcome)
    }

    pub(crate) fn answer(self, outcome: Outcome<A>) {
        // Nobody waits any more where the caller was dropped; the outcome stands all the same.
        let _ = self.reply.send(outcome);
    }
}

/// The queue and the folded state of one aggregate.
pub(crate) struct Lane<A: Aggregate> {
    pub(crate) id: AggregateId,
    pub(crate) stream: StreamName,
    inner: Mutex<Inner<A>>,
}

struct Inner<A: Aggregate> {
    waiting: Vec<Request<A>>,
    running: bool,
    fold: Option<Fold<A>>,
}

impl<A: Aggregate> Lane<A> {
    pub(crate) fn new(id: AggregateId) -> Self {
        let stream = StreamName::of_aggregate(A::DOMAIN, &id);
        let inner = Inner { waiting: Vec::new(), running: false, fold: None };
        Self { id, stream, inner: Mutex::new(inner) }
    }

    /// Queues a request, and gives the turn to its sender if nobody has it.
    pub(crate) fn submit(self: &Arc<Self>, request: Request<A>) -> Option<Turn<A>> {
        let mut inner = self.inner();
        inner.waiting.push(request);
        if std::mem::replace(&mut inner.running, true) {
            return None;
        }
        Some(Turn { fold: inner.fold.take(), lane: self.clone(), ended: false })
    }

    /// A copy of the folded state, unless there is none or somebody works with it.
    pub(crate) fn peek(&self) -> Option<Fold<A>> {
        self.inner().fold.clone()
    }

    /// Keeps a state that was loaded, unless there is a newer one or somebody works.
    pub(crate) fn keep(&self, fold: &Fold<A>) {
        let mut inner = self.inner();
        if !inner.running && inner.fold.as_ref().is_none_or(|known| known.version < fold.version) {
            inner.fold = Some(fold.clone());
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<A>> {
        lock(&self.inner)
    }
}

/// The right to work on a lane. Dropped early, everything that waits is sent back.
pub(crate) struct Turn<A: Aggregate> {
    pub(crate) lane: Arc<Lane<A>>,
    pub(crate) fold: Option<Fold<A>>,
    ended: bool,
}

impl<A: Aggregate> Turn<A> {
    /// Takes all that waits. Where nothing does, the turn ends and the state goes back to the lane.
    pub(crate) fn take(&mut self, cache: &Cache<A>) -> Vec<Request<A>> {
        let mut inner = self.lane.inner();
        let waiting = std::mem::take(&mut inner.waiting);
        if waiting.is_empty() {
            inner.running = false;
            inner.fold = self.fold.take().filter(|fold| cache.keeps(fold));
            self.ended = true;
        }
        waiting
    }
}

impl<A: Aggregate> Drop for Turn<A> {
    fn drop(&mut self) {
        if !self.ended {
            let mut inner = self.lane.inner();
            inner.running = false;
            inner.waiting.clear();
        }
    }
}
