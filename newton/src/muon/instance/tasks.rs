//! What an instance runs in the background, and its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// How far the instance is with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    /// Nothing new is taken; what runs may end by itself.
    Finishing,
    Ended,
}

/// The tasks of an instance. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Tasks {
    phase: watch::Sender<Phase>,
    handle: TaskHandle,
}

/// Starts tasks of an instance, and does not keep it.
#[derive(Clone, Debug)]
pub(super) struct TaskHandle {
    phase: watch::Receiver<Phase>,
    slots: Arc<Semaphore>,
    limit: u32,
}

impl Tasks {
    pub(super) fn new(limit: usize) -> Self {
        let phase = watch::Sender::new(Phase::Running);
        let limit = u32::try_from(limit.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let slots = Arc::new(Semaphore::new(usize::try_from(limit).unwrap_or(Semaphore::MAX_PERMITS)));
        let handle = TaskHandle { phase: phase.subscribe(), slots, limit };
        Self { phase, handle }
    }

    pub(super) fn handle(&self) -> TaskHandle {
        self.handle.clone()
    }

    /// Runs a task that takes in new work: until finishing begins.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.handle().until(Phase::Finishing, task));
    }

    /// How many served channels there are.
    pub(super) fn served(&self) -> usize {
        usize::try_from(self.handle.limit).unwrap_or(usize::MAX) - self.handle.slots.available_permits()
    }

    /// Takes nothing new, gives what runs up to `limit`, and then ends it.
    pub(super) async fn finish(&self, limit: Duration) {
        self.phase.send_if_modified(|phase| {
            *phase < Phase::Finishing && {
                *phase = Phase::Finishing;
                true
            }
        });
        let all_ended = self.handle.slots.acquire_many(self.handle.limit);
        if timeout(limit, all_ended).await.is_err() {
            tracing::warn!(
                channels = self.served(),
                "channels were still open at the end of the service and are cut"
            );
        }
        self.phase.send_replace(Phase::Ended);
    }
}

impl TaskHandle {
    /// A place for a served channel; none where there are too many.
    pub(super) fn slot(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.clone().try_acquire_owned().ok()
    }

    /// Runs a task that serves a channel: until the instance has ended.
    pub(super) fn serve(&self, slot: OwnedSemaphorePermit, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.clone();
        tokio::spawn(async move {
            handle.until(Phase::Ended, task).await;
            drop(slot);
        });
    }

    /// Waits until nothing new is to be taken.
    pub(super) async fn finishing(mut self) {
        // An error says that the instance was dropped, which ends everything too.
        let _ = self.phase.wait_for(|phase| *phase >= Phase::Finishing).await;
    }

    async fn until(mut self, phase: Phase, task: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = task => {}
            _ = self.phase.wait_for(|now| *now >= phase) => {}
        }
    }
}
