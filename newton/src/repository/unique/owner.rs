//! Who owns a value.

use async_trait::async_trait;

use super::reservation::Reservation;
use super::{Claim, Holders, claim, place};
use crate::domain::{Aggregate, AggregateId, TagValue};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::Repository;

impl<A: Aggregate> Repository<A> {
    /// The aggregate that has a value in a unique field; `None` where none has, or the value is none.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the aggregate has no unique field of that name, and those of the store and of
    /// decoding.
    pub async fn owner_of(&self, field: &str, value: impl TagValue + Send) -> Result<Option<AggregateId>> {
        let Some(index) = A::UNIQUE.iter().position(|unique| unique.name == field) else {
            return Err(unknown_field::<A>(field));
        };
        let Some(value) = value.tag_value() else { return Ok(None) };
        let place = place::of(A::DOMAIN, field, &value)?;
        let events = &*self.environment().events;
        let mut found = Reservation::read(events, &place, &value).await?;
        loop {
            match &found.owner {
                Some(owner) if !self.has(owner, index, &value).await? => {}
                owner => return Ok(owner.clone()),
            }
            // Left behind, or just passed on.
            let again = Reservation::read(events, &place, &value).await?;
            if again == found {
                return Ok(None);
            }
            found = again;
        }
    }

    /// Whether an aggregate has this value in a unique field at present.
    async fn has(&self, id: &AggregateId, field: usize, value: &str) -> Result<bool> {
        match self.present(id).await {
            Ok(fold) => {
                Ok(claim::values(&fold)?.get(field).is_some_and(|held| held.as_deref() == Some(value)))
            }
            Err(error) if *error.kind() == ErrorKind::Deleted => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl<A: Aggregate> Holders for Repository<A> {
    async fn holds(&self, claim: &Claim, id: &AggregateId) -> Result<bool> {
        self.has(id, claim.field, &claim.value).await
    }
}

fn unknown_field<A: Aggregate>(field: &str) -> Error {
    let names: Vec<_> = A::UNIQUE.iter().map(|unique| format!("`{}`", unique.name)).collect();
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let message = format!("`{}` has no unique field `{field}`; it has {known}", A::DOMAIN);
    Error::new(ErrorKind::InvalidInput, "find owner", message)
}
