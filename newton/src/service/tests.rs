//! What the tests of the parts share.

use std::sync::Arc;

use crate::domain::{EventId, Name, OrderId, Payload, RecordedEvent, Schema, StreamName, Timestamp, Version};

/// An event of a stream.
pub(super) fn event(stream: &str, order_id: u64) -> RecordedEvent {
    RecordedEvent {
        id: EventId::generate(),
        stream: StreamName::parse(stream).unwrap(),
        version: Version(1),
        order_id: OrderId(order_id),
        time: Timestamp::UNIX_EPOCH,
        event_type: Name::from("Tested"),
        schema: Schema::Number(1),
        payload: Payload::json("{}").unwrap(),
        tags: Vec::new(),
        metadata: Arc::default(),
    }
}
