//! The end of a task: asked for at one end, heeded at the other.

use tokio::sync::watch;

/// Asks tasks to stop; dropping it asks too.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<bool>);

/// Tells a task that it is to stop. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stopper {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Asks everybody who listens to stop.
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }

    /// A signal to hand to a task.
    pub(crate) fn signal(&self) -> Stop {
        Stop(self.0.subscribe())
    }
}

impl Stop {
    /// Whether the task is to stop.
    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until the task is to stop.
    pub(crate) async fn requested(&mut self) {
        // An error says that the stopper was dropped, which means the same.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
