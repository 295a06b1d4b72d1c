//! What a domain service is given.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::RecordedEvent;

/// One delivery of an event to a handler.
#[derive(Clone, Debug)]
pub struct Delivery {
    id: Uuid,
    attempt: u32,
    event: Arc<RecordedEvent>,
}

impl Delivery {
    /// The delivery of an event to the handler of that name.
    pub(crate) fn new(handler: &str, event: Arc<RecordedEvent>, attempt: u32) -> Self {
        let name = format!("{handler}/{}", event.id);
        Self { id: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()), attempt, event }
    }

    /// The same for every attempt to deliver this event to this handler: give it to whoever can tell a repeated request.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Which attempt this is, from 1 up.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The event as it was recorded: who, when, where.
    pub fn meta(&self) -> &RecordedEvent {
        &self.event
    }
}
