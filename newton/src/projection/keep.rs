//! What the loop asks of a place to keep a projection's data in.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::{OrderId, RecordedEvent};
use crate::error::Result;
use crate::subscription::{Lease, Parking};

/// A copy of a projection's data that follows the log.
#[async_trait]
pub(super) trait Replica: Send {
    /// Everything at or below was applied or parked, or does not concern it.
    fn position(&self) -> OrderId;

    /// How many events it wants at once, when there are as many.
    fn appetite(&self) -> usize;

    /// Takes events in, all of them or up to a failure that is none of the events'. Must be run to its end.
    async fn apply(&mut self, events: Vec<Arc<RecordedEvent>>, through: OrderId) -> Result<()>;

    /// How many keys are parked.
    fn parked_keys(&self) -> usize;
}

/// Where a projection's data is kept.
#[async_trait]
pub(super) trait Keep: Parking + 'static {
    /// A copy of the data.
    type Replica: Replica;

    /// Whether the data is shared by the nodes, so that only one may write it.
    const LEASED: bool;

    /// Opens the live copy, where it was left.
    async fn open(&self, lease: Option<&Lease>) -> Result<Self::Replica>;

    /// Lets go of what [`open`](Self::open) took.
    async fn close(&self);

    /// Whether a rebuild is to go on: one that was cut off, or one of a copy that other code wrote.
    async fn wants_rebuild(&self) -> Result<bool>;

    /// Opens the copy that is to take the live one's place: a new one, or one that a crash left half built.
    async fn open_next(&self, lease: Option<&Lease>) -> Result<Self::Replica>;

    /// Makes the copy the live one, at once for every reader.
    async fn switch(&self, built: &mut Self::Replica, lease: Option<&Lease>) -> Result<()>;

    /// Whether the live copy was made by other code than this program's.
    fn is_changed(&self) -> bool;

    /// How far the data got that another node keeps; `None` where there is none.
    async fn stored_position(&self) -> Result<Option<OrderId>>;
}
