//! How the app is doing, for those who look after it.

use crate::app::{App, Core};
use crate::domain::OrderId;
use crate::error::Result;
use crate::subscription::{Heartbeat, Phase, Status};

/// How an app is doing, as of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Each projection, saga and event handler, in the order of the registry.
    pub reactions: Vec<Status>,
    /// How it renews its leases.
    pub heartbeat: Heartbeat,
    /// Why the event store cannot be read; the reactions' lags are then as of their positions.
    pub store_error: Option<String>,
}

impl Health {
    /// Whether nobody needs to look: every reaction runs, and the stores answer. Parked keys alone are no reason, for
    /// everything else goes on.
    pub fn is_green(&self) -> bool {
        self.store_error.is_none()
            && self.heartbeat.last_error.is_none()
            && self.reactions.iter().all(|status| status.phase.is_healthy())
    }
}

impl App {
    /// How the app is doing. Never fails: that the store does not answer is part of it.
    ///
    /// ```standalone_crate
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> newton::Result<()> {
    /// let app = newton::Newton::builder().store("memory:").start().await?;
    /// let health = app.health().await;
    /// for status in &health.reactions {
    ///     println!("{}: {:?}, {} events behind", status.name, status.phase, status.lag_events);
    /// }
    /// assert!(health.is_green());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn health(&self) -> Health {
        let (reactions, store_error) = match self.reactions().await {
            Ok(reactions) => (reactions, None),
            Err(error) => (self.core.statuses(None), Some(error.to_string())),
        };
        Health { reactions, heartbeat: self.core.runtime.node.heartbeat(), store_error }
    }

    /// How each projection, saga and event handler is doing, in the order of the registry.
    ///
    /// # Errors
    /// Those of the event store, whose head is read.
    pub async fn reactions(&self) -> Result<Vec<Status>> {
        let head = self.events().head().await?.current();
        Ok(self.core.statuses(Some(head)))
    }

    /// How a projection, a saga or an event handler is doing.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) where this app does not run it, and those of the event store.
    pub async fn status<T: 'static>(&self) -> Result<Status> {
        let reaction = self.core.reactions.of::<T>()?;
        let (monitor, head) = (reaction.monitor(), self.events().head().await?.current());
        if monitor.phase() == Phase::StandingBy {
            monitor.reset(reaction.position().await?);
        }
        Ok(monitor.status(head, self.core.runtime.clock.now()))
    }
}

impl Core {
    /// How each reaction is doing, with the head of the log as far as it is known.
    pub(super) fn statuses(&self, head: Option<OrderId>) -> Vec<Status> {
        let now = self.runtime.clock.now();
        let monitors = self.reactions.all().map(|reaction| reaction.monitor());
        monitors.map(|monitor| monitor.status(head.unwrap_or(monitor.position()), now)).collect()
    }
}
