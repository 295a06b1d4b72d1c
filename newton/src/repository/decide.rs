//! From a command to events that are ready to append.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::id::EventIds;
use crate::domain::{
    Aggregate, AggregateId, Context, Decision, Event, ExpectedVersion, Name, NewEvent, Payload, Schema,
    StreamName, Timestamp, Version,
};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::fold::{Fold, guarded};
use crate::repository::{ExecuteError, Order};
use crate::store::StreamAppend;

/// Asks the aggregate, unless the caller's expected version rules that out.
pub(crate) fn decide<A: Aggregate>(
    fold: &Fold<A>,
    id: &AggregateId,
    command: A::Command,
    order: &Order,
    now: Timestamp,
) -> Result<Decision<A::Event>, ExecuteError<A::Rejection>> {
    if let Some(expected) = order.expected.filter(|expected| *expected != fold.version) {
        let stream = StreamName::of_aggregate(A::DOMAIN, id);
        return Err(Error::conflict("execute", stream, ExpectedVersion::Exact(expected), fold.version).into());
    }
    let context = Context {
        id,
        version: fold.version,
        now,
        command_id: &order.command_id,
        correlation_id: &order.correlation_id(),
        actor: order.caller.actor.as_ref(),
        tenant: order.caller.tenant.as_ref(),
    };
    guarded::<A, _>("decide", || fold.state.handle(command, &context))?.map_err(ExecuteError::Rejected)
}

/// Encodes decided events for an append behind `version`.
pub(crate) fn prepare<E: Event>(
    stream: &StreamName,
    version: Version,
    events: &[E],
    order: &Order,
    service: &Name,
) -> Result<StreamAppend> {
    let ids = EventIds::of(&order.command_id, stream);
    let metadata = Arc::new(order.metadata(service));
    let payloads = encode(events).map_err(|error| error.with("stream", stream))?;
    let events = events.iter().zip(payloads).enumerate().map(|(index, (event, payload))| {
        let event_type = event.event_type();
        NewEvent {
            id: ids.at(index),
            event_type: Name::from_static(event_type.name),
            schema: Schema::Number(event_type.schema),
            payload,
            tags: event.tags(),
            metadata: metadata.clone(),
        }
    });
    let expected = ExpectedVersion::Exact(version);
    Ok(StreamAppend { stream: stream.clone(), expected, events: events.collect() })
}

/// Encodes all payloads into one buffer and hands out its parts.
fn encode<E: Event>(events: &[E]) -> Result<impl Iterator<Item = Payload>> {
    let mut buffer = Vec::with_capacity(events.len() * 128);
    let mut ends = Vec::with_capacity(events.len());
    for event in events {
        event.encode(&mut buffer).map_err(|error| {
            let message = format!("`{}` has no JSON form", event.event_type().rust_name);
            Error::new(ErrorKind::InvalidInput, "encode event", message).caused_by(error)
        })?;
        ends.push(buffer.len());
    }
    let buffer = Bytes::from(buffer);
    let mut start = 0;
    Ok(ends
        .into_iter()
        .map(move |end| Payload::from_encoded(buffer.slice(std::mem::replace(&mut start, end)..end))))
}
