//! The way from a saga to an aggregate it knows by name only.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::domain::AggregateId;
use crate::repository::{AnyOutcome, Order};

/// Executes commands that are known by their name and payload.
#[async_trait]
pub(crate) trait Dispatch: Debug + Send + Sync {
    /// Executes a command; its payload is JSON. `service` has the aggregate, `None` is this one.
    async fn dispatch(
        &self,
        service: Option<&str>,
        name: &str,
        target: AggregateId,
        payload: &[u8],
        order: Order,
    ) -> AnyOutcome;
}
