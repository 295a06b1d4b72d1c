//! Unique values: who owns one, and reserving those that were there before.

use crate::app::App;
use crate::domain::{Aggregate, AggregateId, TagValue};
use crate::error::Result;
use crate::repository::ReserveReport;

impl App {
    /// The aggregate that has a value in a [unique](crate::repository::unique) field, such as a user by an e-mail; `None`
    /// where none has it.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) where the aggregate has no unique field of that name, and those of
    /// the store and of decoding.
    pub async fn owner_of<A: Aggregate>(
        &self,
        field: &str,
        value: impl TagValue + Send,
    ) -> Result<Option<AggregateId>> {
        self.repository::<A>()?.owner_of(field, value).await
    }

    /// Reserves the values of aggregates that were there before their field became [unique](crate::repository::unique),
    /// and reports those that several have. Call it once after `#[unique(..)]` was added to a field; again does no harm.
    ///
    /// # Errors
    /// Those of the store and of decoding. What was reserved before it failed stays so.
    pub async fn reserve_unique<A: Aggregate>(&self) -> Result<ReserveReport> {
        self.repository::<A>()?.reserve_unique(self.caller.clone()).await
    }
}
