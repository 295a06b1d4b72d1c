//! What becomes of an event that a client emits.

use std::sync::Arc;

use async_trait::async_trait;

use super::Published;
use super::form::{CausedBy, Correlated, caused_by, new_event, stream};
use crate::domain::{EventId, ExpectedVersion, OrderId, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::protocol::event::{Emit, Processed, Sink};
use crate::store::{Append, EventStoreExt, Position, Read, Selection};

/// Stores events in published stores.
#[derive(Debug)]
pub(super) struct Emits(pub(super) Arc<Published>);

#[async_trait]
impl Sink for Emits {
    async fn store(&self, emit: Emit, origin: &str) -> Result<Processed> {
        self.0.tokens.admit("emit", emit.token.as_deref())?;
        let stream = stream(&emit)?;
        let cause = match caused_by(&emit)? {
            Some(cause) => Some(self.cause(cause).await?),
            None => None,
        };
        let event = new_event(emit, origin, cause)?;
        let append = Append::to(stream, ExpectedVersion::Any, vec![event], self.0.clock.now());
        let appended = self.0.stores.events.append(append).await?;
        Ok(Processed::Persisted {
            order_id: appended.order_id.0,
            event_time: appended.time.timestamp_millis(),
        })
    }
}

impl Emits {
    /// The event that is named as a cause, and what it is part of. An id that is not known here is another store's.
    async fn cause(&self, cause: CausedBy) -> Result<Correlated> {
        let (found, id) = match cause {
            CausedBy::OrderId(order_id) => (self.at(order_id).await?, order_id.to_string()),
            CausedBy::Id(id) => match (self.event(id.as_str().into()).await?, id.parse()) {
                (None, Ok(order_id)) => (self.at(OrderId(order_id)).await?, id),
                (None, Err(_)) => return Ok(Correlated { id: id.into(), correlation: None }),
                (found, _) => (found, id),
            },
        };
        let Some(event) = found else {
            let message = format!("`caused-by` is {id}, and no event has this id or this order id");
            return Err(Error::new(ErrorKind::NotFound, "emit", message));
        };
        Ok(Correlated { correlation: event.metadata.correlation_id.clone(), id: event.id })
    }

    async fn event(&self, id: EventId) -> Result<Option<RecordedEvent>> {
        Ok(self.0.stores.events.read_all(Read::of(Selection::Ids(vec![id]))).await?.pop())
    }

    async fn at(&self, order_id: OrderId) -> Result<Option<RecordedEvent>> {
        let read = Read::of(Selection::All).with_system().from(Position::OrderId(order_id)).limit(1);
        let page = self.0.stores.events.read(read).await?;
        Ok(page.events.into_iter().find(|event| event.order_id == order_id))
    }
}
