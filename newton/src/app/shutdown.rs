//! The orderly end of an app.

use std::time::Duration;

use tokio::time::timeout;

use crate::app::App;
use crate::domain::Name;

/// How an app ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// The reactions that did not finish in time and were cut off. The next start goes on where they were.
    pub cut_off: Vec<Name>,
    /// How many commands had no outcome in time. Each has taken effect or has not; whoever waits for it gets to know.
    pub commands: usize,
}

impl Shutdown {
    /// Whether all finished in time.
    pub fn is_complete(&self) -> bool {
        self.cut_off.is_empty() && self.commands == 0
    }
}

/// So long those that are cut off have to notice.
const CUT: Duration = Duration::from_secs(1);

impl App {
    /// Ends the app in order: it takes no more commands, lets what is under way finish within `limit`, cuts off the rest,
    /// and gives its leases back, so that another app takes over at once.
    ///
    /// Reading goes on. With a store that does not answer this takes some seconds longer than the limit: another second
    /// for what is cut off, and the lease term. Shutting down twice is harmless.
    ///
    /// ```standalone_crate
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> newton::Result<()> {
    /// let app = newton::Newton::builder().store("memory:").start().await?;
    /// let shutdown = app.shutdown(Duration::from_secs(10)).await;
    /// assert!(shutdown.is_complete(), "cut off: {:?}", shutdown.cut_off);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(&self, limit: Duration) -> Shutdown {
        let core = &self.core;
        core.gate.close();
        core.reactions.stop();
        let drained = async {
            tokio::join!(core.gate.emptied(), core.reactions.ended());
            self.flush().await;
        };
        // What is not finished then is seen below.
        let _ = timeout(limit, drained).await;
        let shutdown = Shutdown { cut_off: core.reactions.unfinished(), commands: core.gate.count() };
        core.reactions.cut();
        let _ = timeout(CUT, core.reactions.ended()).await;
        core.runtime.node.close().await;
        if !shutdown.is_complete() {
            tracing::warn!(?shutdown, "the app was shut down before all had finished");
        }
        shutdown
    }
}
