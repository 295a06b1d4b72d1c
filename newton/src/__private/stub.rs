//! Types that stand in where a derive reported an error, so that one mistake gives one message.

use crate::domain::{Event, EventType, Tag};

/// Stands in for an event. It has no values.
#[derive(Clone, Copy, Debug)]
pub enum StubEvent {}

impl Event for StubEvent {
    const TYPES: &'static [EventType] = &[];

    fn type_index(&self) -> usize {
        match *self {}
    }

    fn index_of(_: &str) -> Option<usize> {
        None
    }

    fn encode(&self, _: &mut Vec<u8>) -> serde_json::Result<()> {
        match *self {}
    }

    fn decode(index: usize, _: &[u8]) -> serde_json::Result<Self> {
        Err(super::no_type_at(index))
    }

    fn tags(&self) -> Vec<Tag> {
        match *self {}
    }
}
