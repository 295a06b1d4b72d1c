//! What runs a saga: routes events to instances, fires timers, has commands sent, keeps the index.
//!
//! Everything that lasts follows from two folds: an instance from its own stream, and the index from the domain stream of
//! all instances. Both can be behind when a process dies, and both catch up from what is stored.
//!
//! - [`Manager`]: the reaction; `run`: its loop, from the lease to the end; `desk`: what the loop works with
//! - `session`, `work`: instances in memory, and triggers taken to one of them in order
//! - `pump`: commands sent and their outcomes recorded, beside the loop
//! - `index`, `timers`: what is known of all instances without loading them
//! - `parked`: what could not be taken in, and what is done about it

mod desk;
mod index;
mod parked;
mod pump;
mod run;
mod session;
mod timers;
mod work;

use std::marker::PhantomData;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, ErrorKind, Result};
use crate::repository::{Dispatch, RetryPolicy};
use crate::saga::Saga;
use crate::saga::names::Names;
use crate::subscription::{Assembly, Ledger, Monitor, Parking, Reaction, ReactionKind, Runtime, Stop};
use crate::sync::lock;

/// A saga of an app.
pub(crate) struct Manager<S> {
    names: Names,
    runtime: Arc<Runtime>,
    dispatch: Arc<dyn Dispatch>,
    monitor: Arc<Monitor>,
    ledger: Ledger,
    retry: RetryPolicy,
    flood: Arc<AtomicU32>,
    most_in_row: u32,
    /// To the loop, while it runs on this node.
    requests: Mutex<Option<mpsc::UnboundedSender<Request>>>,
    saga: PhantomData<fn() -> S>,
}

/// What the loop is asked to do between two pages.
enum Request {
    /// To store what it knows.
    Store(oneshot::Sender<Result<()>>),
    /// To try the triggers of a parked instance again.
    Retry(String, oneshot::Sender<Result<usize>>),
    /// To give up the first trigger of a parked instance.
    Drop(String, String, oneshot::Sender<Result<()>>),
}

impl<S: Saga> Manager<S> {
    pub(super) fn new(assembly: &Assembly) -> Result<Self> {
        let names = Names::of::<S>()?;
        let runtime = assembly.runtime.clone();
        Ok(Self {
            runtime: runtime.clone(),
            dispatch: assembly.dispatch.clone(),
            monitor: Arc::new(Monitor::new(names.saga.clone(), ReactionKind::Saga)),
            ledger: Ledger::new(runtime, names.saga.clone()),
            names,
            retry: assembly.command_retry,
            flood: Arc::default(),
            most_in_row: assembly.handler_policies.of::<S>().flood.max(1),
            requests: Mutex::default(),
            saga: PhantomData,
        })
    }
}

impl<S> Manager<S> {
    /// Stores what this node knows of all instances, so that the lists in the store are up to date. Where another node
    /// runs the saga, they are as that one last stored them.
    pub(crate) async fn store(&self) -> Result<()> {
        match self.ask(Request::Store).await {
            Some(outcome) => outcome,
            None => Ok(()),
        }
    }

    /// What the loop answers; `None` where it does not run here.
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let sender = lock(&self.requests).clone()?;
        sender.send(request(reply)).ok()?;
        answer.await.ok()
    }

    /// What the loop answers, where it has to.
    async fn insist<T>(&self, request: impl FnOnce(oneshot::Sender<Result<T>>) -> Request) -> Result<T> {
        self.ask(request).await.unwrap_or_else(|| {
            let message =
                format!("`{}` does not run on this node now; ask the one that runs it", self.names.saga);
            Err(Error::new(ErrorKind::Unavailable, "retry parked", message))
        })
    }
}

impl<S> std::fmt::Debug for Manager<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Manager({})", self.names.saga)
    }
}

#[async_trait]
impl<S: Saga> Reaction for Manager<S> {
    fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    fn parking(&self) -> &dyn Parking {
        self
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }

    async fn register(&self) -> Result<()> {
        self.ledger.register(S::START, 1).await
    }

    async fn run(&self, stop: Stop) -> Result<()> {
        self.run(stop).await
    }
}
