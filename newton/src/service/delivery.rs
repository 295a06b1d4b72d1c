//! What a domain service is given.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::{Cause, Name, RecordedEvent};
use crate::repository::Caller;

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

    /// The caller for commands that are executed because of this event: it is their cause, and they belong to its correlation,
    /// actor and tenant.
    ///
    /// ```no_run
    /// # async fn example(app: newton::App, delivery: newton::service::Delivery) {
    /// let app = app.with(delivery.caller());
    /// # }
    /// ```
    pub fn caller(&self) -> Caller {
        let metadata = &self.event.metadata;
        let cause = Cause { id: self.event.id.clone(), relation: Some(Name::from_static("service")) };
        let (actor, tenant) = (metadata.actor.clone(), metadata.tenant.clone());
        Caller { cause: Some(cause), actor, tenant, ..Caller::new().caused_by(&self.event) }
    }

    /// The event as it was recorded: who, when, where.
    pub fn meta(&self) -> &RecordedEvent {
        &self.event
    }
}
