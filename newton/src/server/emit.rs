//! The server of `event`: takes an event, stores it, and says what became of it.

use std::sync::Arc;

use async_trait::async_trait;

use super::Published;
use super::form::{CausedBy, Correlated, Emitted, Processed};
use crate::domain::{EventId, ExpectedVersion, OrderId, RecordedEvent, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::ChannelEnd;
use crate::muon::protocol::{Outline, Peer, ServerStack};
use crate::muon::{Message, Status};
use crate::store::{Append, EventStoreExt, Position, Read, Selection};

const SCHEME: &str = "event";
const EMITTED: &str = "EventEmitted";
const PROCESSED: &str = "EventProcessed";

/// Serves `event` out of published stores.
#[derive(Debug)]
pub(super) struct Emits(pub(super) Arc<Published>);

#[async_trait]
impl ServerStack for Emits {
    fn protocol(&self) -> &'static str {
        SCHEME
    }

    fn outline(&self) -> Outline {
        Outline::new(SCHEME, "Event sink", "Stores events; each is answered by its place in the log")
    }

    /// One event, one answer: the published clients never close the channel, so the answer does.
    async fn serve(&self, mut channel: ChannelEnd, _: Peer) -> Result<()> {
        let Some(message) = channel.recv().await? else { return Ok(()) };
        let outcome = self.process(&message).await;
        let (processed, status) = match &outcome {
            Ok((order_id, time)) => (Processed::persisted(*order_id, *time), Status::Success),
            Err(error) => {
                tracing::warn!(%error, origin = &*message.origin_service, "an event was not stored");
                (Processed::failed(error), Status::Failure)
            }
        };
        let payload = serde_json::to_vec(&processed)
            .map_err(|error| Error::new(ErrorKind::Internal, "emit", "the answer has no JSON form").caused_by(error))?;
        channel.send(message.answer(PROCESSED, payload).with_status(status).closing()).await
    }
}

impl Emits {
    /// Stores the event of a message, and gives its place and its time.
    async fn process(&self, message: &Message) -> Result<(OrderId, Timestamp)> {
        if message.step != EMITTED {
            let error = format!("the step `{}` is unknown; send `{EMITTED}`", message.step);
            return Err(Error::new(ErrorKind::InvalidInput, "emit", error));
        }
        let emitted = Emitted::parse(&message.payload)?;
        self.0.tokens.admit("emit", emitted.token.as_deref())?;
        let stream = emitted.stream()?;
        let cause = match emitted.caused_by()? {
            Some(cause) => Some(self.cause(cause).await?),
            None => None,
        };
        let event = emitted.into_event(&message.origin_service, cause)?;
        let (id, time) = (event.id.clone(), self.0.clock.now());
        let append = Append::to(stream, ExpectedVersion::Any, vec![event], time);
        let appended = self.0.stores.events.append(append).await?;
        if appended.duplicate {
            // The first time counts.
            if let Some(first) = self.event(id).await? {
                return Ok((first.order_id, first.time));
            }
        }
        Ok((appended.order_id, time))
    }

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
