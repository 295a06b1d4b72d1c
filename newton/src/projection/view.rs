//! What a handler of a projection in memory is given.

use crate::domain::RecordedEvent;

/// What a handler of a projection in memory is given besides the event.
#[derive(Debug)]
pub struct View<'a> {
    meta: &'a RecordedEvent,
}

impl<'a> View<'a> {
    pub(crate) fn new(meta: &'a RecordedEvent) -> Self {
        Self { meta }
    }

    /// The event as it was recorded: who, when, where.
    pub fn meta(&self) -> &RecordedEvent {
        self.meta
    }
}
