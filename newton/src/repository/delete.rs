//! The end of an aggregate: a tombstone, and in the same append its unique values are given up.

use std::sync::Arc;

use crate::domain::envelope::TOMBSTONE;
use crate::domain::id::EventIds;
use crate::domain::{Aggregate, AggregateId, ExpectedVersion, NewEvent, Payload, StreamName, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::unique::{Step, all, settle};
use crate::repository::{Caller, Order, Receipt, Repository};
use crate::store::{Append, EventStore, StreamAppend};

impl<A: Aggregate> Repository<A> {
    /// Deletes the aggregate: appends a tombstone, and gives up its unique values. Its history stays readable, its
    /// snapshot goes.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where it has no events, [`ErrorKind::Deleted`] where it was deleted before, and the
    /// errors of the store; where it has unique values, those of decoding too.
    pub async fn delete(&self, id: &AggregateId, caller: Arc<Caller>) -> Result<Receipt> {
        let (stream, order) = (self.stream(id), Order::new(caller));
        let retry = self.environment().settings.retry;
        let receipt = if A::UNIQUE.is_empty() {
            let (expected, tombstone) = (ExpectedVersion::Exists, self.tombstone(&stream, &order));
            let append = StreamAppend { stream: stream.clone(), expected, events: vec![tombstone] };
            self.append_tombstone(vec![append], &order).await.map_err(|error| match error.kind() {
                ErrorKind::Conflict { .. } => not_found(&stream),
                _ => error,
            })?
        } else {
            retry.on_conflict(|| self.delete_unique(id, &stream, &order)).await?
        };
        self.cache().forget(id);
        self.discard_snapshot(&stream).await?;
        Ok(receipt)
    }

    /// Gives up what the present state has, and ends the stream, if it is still there.
    async fn delete_unique(&self, id: &AggregateId, stream: &StreamName, order: &Order) -> Result<Receipt> {
        let fold = self.present(id).await?;
        if fold.version == Version::EMPTY {
            return Err(not_found(stream));
        }
        let tombstone = self.tombstone(stream, order);
        let claims = all(&fold, id, Step::GiveUp)?;
        let mut streams = settle(&claims, order, self.environment(), self).await?.streams;
        let expected = ExpectedVersion::Exact(fold.version);
        streams.push(StreamAppend { stream: stream.clone(), expected, events: vec![tombstone] });
        self.append_tombstone(streams, order).await
    }

    fn tombstone(&self, stream: &StreamName, order: &Order) -> NewEvent {
        NewEvent {
            id: EventIds::of(&order.command_id, stream).at(0),
            metadata: Arc::new(order.metadata(&self.environment().settings.service)),
            ..NewEvent::new(TOMBSTONE, Payload::from_encoded(&b"{}"[..]))
        }
    }

    /// Appends to the aggregate's stream, which is the last.
    async fn append_tombstone(&self, streams: Vec<StreamAppend>, order: &Order) -> Result<Receipt> {
        let (environment, reserved) = (self.environment(), streams.len().saturating_sub(1));
        let append = Append { streams, condition: None, time: environment.clock.now() };
        let appended = environment.events.append(append).await?;
        Ok(Receipt::of(order, &appended, reserved, 1))
    }
}

fn not_found(stream: &StreamName) -> Error {
    let message = "there is no such aggregate; it has no events";
    Error::new(ErrorKind::NotFound, "delete", message).with("stream", stream)
}
