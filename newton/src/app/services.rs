//! Event handlers in a running app: cutting them differently, playing the past to them again.

use crate::app::App;
use crate::domain::OrderId;
use crate::error::Result;
use crate::service::{EventHandler, ReplaySafe, Service};

impl App {
    /// Cuts the keys of an event handler into another number of segments, from 1 to 1,024, over all nodes that run it. They
    /// finish what is under way first; nobody loses a place and nothing is handled twice because of it.
    ///
    /// Returns once that is asked for; it takes effect soon after.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) where it is not registered, [`InvalidInput`](crate::ErrorKind::InvalidInput)
    /// for another number, and the store's.
    pub async fn resplit<H: EventHandler>(&self, segments: u32) -> Result<()> {
        let _inside = self.core.gate.enter()?;
        self.service::<H>()?.resplit(segments).await
    }

    /// Delivers every event from `from` on, inclusive, to an event handler again, whose side effects must bear that: its
    /// [`Delivery::id`](crate::service::Delivery::id) is the one of the first time.
    ///
    /// Returns once that is asked for; it takes effect soon after.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) where it is not registered, and the store's.
    pub async fn replay<H: ReplaySafe>(&self, from: OrderId) -> Result<()> {
        let _inside = self.core.gate.enter()?;
        self.service::<H>()?.replay(from).await
    }

    fn service<H: EventHandler>(&self) -> Result<&Service<H>> {
        self.core.reactions.typed::<H, Service<H>>()
    }
}
