//! What could not be handled: set aside by key, in order, until somebody decides.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::domain::{EventId, Name, OrderId, RecordedEvent, Timestamp};
use crate::error::Result;

/// A key whose events are set aside: the first of them failed, the later ones wait behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedKey {
    /// The reaction.
    pub reaction: Name,
    /// The stream, tag or instance.
    pub key: Name,
    /// The events, oldest first.
    pub events: Vec<Parked>,
}

/// An event that is set aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// Its place in the log.
    pub order_id: OrderId,
    /// Its id.
    pub event_id: EventId,
    /// Why it failed; `None` where it only waits behind one that did.
    pub cause: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was set aside.
    pub since: Timestamp,
    /// The event as it is in the log; `None` where it cannot be read any more.
    pub event: Option<RecordedEvent>,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropped {
    /// The stream, tag or instance it belongs to.
    pub key: Name,
    /// The event, as it was set aside.
    pub parked: Parked,
    /// Why it was given up.
    pub reason: String,
    /// When.
    pub time: Timestamp,
}

/// A reaction's parked keys.
#[async_trait]
pub(crate) trait Parking: Debug + Send + Sync {
    /// Every parked key, sorted.
    async fn list(&self) -> Result<Vec<ParkedKey>>;

    /// Tries the events of a key again, in order, up to the first that fails; gives how many were handled.
    async fn retry(&self, key: &str) -> Result<usize>;

    /// Gives up the first event of a key, for a reason that is kept, and then tries the later ones.
    async fn drop_first(&self, key: &str, reason: &str) -> Result<()>;

    /// What was given up, and why.
    async fn dropped(&self) -> Result<Vec<Dropped>>;

    /// The key of a parked event between two order ids, inclusive, if there is one.
    async fn among(&self, first: OrderId, last: OrderId) -> Result<Option<Name>> {
        let is_among = |event: &Parked| (first..=last).contains(&event.order_id);
        let parked = self.list().await?;
        Ok(parked.into_iter().find(|key| key.events.iter().any(is_among)).map(|key| key.key))
    }
}
