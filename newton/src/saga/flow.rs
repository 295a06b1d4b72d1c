//! What a saga's handler is given.

use crate::domain::RecordedEvent;

/// What a handler of a saga reads and asks for. Nothing is done while it runs: what it asks for is recorded with the new
/// state in one append, and done afterwards.
#[derive(Debug)]
pub struct Flow<'a> {
    key: &'a str,
    meta: Option<&'a RecordedEvent>,
}

impl<'a> Flow<'a> {
    pub(crate) fn new(key: &'a str, meta: Option<&'a RecordedEvent>) -> Self {
        Self { key, meta }
    }

    /// The instance's key: the value of the saga's key tag.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// The event as it was recorded; `None` where a deadline or a failed command is the trigger.
    pub fn meta(&self) -> Option<&RecordedEvent> {
        self.meta
    }
}
