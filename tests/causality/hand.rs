//! Events made by hand: with any id, any cause, and what sagas record.

use std::collections::HashMap;
use std::sync::Arc;

use newton::domain::{Cause, Metadata, NewEvent, Schema};
use newton::store::{Append, EventStore};
use newton::testkit::VirtualClock;
use newton::{ExpectedVersion, OrderId, Payload, RecordedEvent, StreamName, Version};
use newton_tests::Given;
use serde_json::Value;

/// An event to be stored, or to be taken as stored.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) event: NewEvent,
    pub(super) stream: StreamName,
}

/// An event whose correlation is `c`, with no cause.
pub(super) fn made(id: &str, stream: &str, event_type: &str) -> Made {
    let metadata = Metadata { correlation_id: Some("c".into()), ..Metadata::default() };
    let event = NewEvent {
        id: id.into(),
        metadata: metadata.into(),
        ..NewEvent::new(event_type, Payload::from_encoded("{}"))
    };
    Made { event, stream: StreamName::parse(stream).unwrap() }
}

impl Made {
    fn metadata(&mut self) -> &mut Metadata {
        Arc::make_mut(&mut self.event.metadata)
    }

    pub(super) fn because(mut self, cause: &str, relation: &str) -> Self {
        self.metadata().cause = Some(Cause { id: cause.into(), relation: Some(relation.into()) });
        self
    }

    pub(super) fn of_command(mut self, id: &str) -> Self {
        self.metadata().command_id = Some(id.into());
        self
    }

    pub(super) fn correlated(mut self, id: Option<&str>) -> Self {
        self.metadata().correlation_id = id.map(Into::into);
        self
    }

    pub(super) fn saying(mut self, payload: &Value) -> Self {
        self.event.payload = Payload::of(payload).unwrap();
        self
    }
}

/// The events as a store would give them back.
pub(super) fn recorded(all: &[Made]) -> Vec<RecordedEvent> {
    let mut versions = HashMap::new();
    let number = |(index, Made { event, stream }): (usize, &Made)| {
        let version = versions.entry(stream.clone()).or_insert(0);
        *version += 1;
        RecordedEvent {
            id: event.id.clone(),
            stream: stream.clone(),
            version: Version(*version),
            order_id: OrderId(index as u64 + 1),
            time: VirtualClock::START,
            event_type: event.event_type.clone(),
            schema: Schema::Number(1),
            payload: event.payload.clone(),
            tags: Vec::new(),
            metadata: event.metadata.clone(),
        }
    };
    all.iter().enumerate().map(number).collect()
}

/// Appends the events, one after the other.
pub(super) async fn append(given: &Given, all: &[Made]) {
    for Made { event, stream } in all {
        let events = vec![event.clone()];
        let append = Append::to(stream.clone(), ExpectedVersion::Any, events, VirtualClock::START);
        given.stores.events.append(append).await.unwrap();
    }
}
