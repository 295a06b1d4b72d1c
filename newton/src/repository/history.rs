//! One aggregate's events as a stream.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::{Stream, stream};

use crate::domain::envelope::TOMBSTONE;
use crate::domain::event::decode_parts;
use crate::domain::{Event, RecordedEvent, StreamName};
use crate::error::Result;
use crate::store::{EventStore, Position, Read, Selection};

/// A stored event and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded<E> {
    /// The event.
    pub event: E,
    /// Where, when, by whom.
    pub recorded: RecordedEvent,
}

impl<E: Event> TryFrom<RecordedEvent> for Recorded<E> {
    type Error = crate::Error;

    fn try_from(recorded: RecordedEvent) -> Result<Self> {
        let event = decode_parts(&recorded.event_type, &recorded.schema, &recorded.payload)
            .map_err(|error| error.with("stream", &recorded.stream).with("version", recorded.version))?;
        Ok(Self { event, recorded })
    }
}

/// Pages through a stream as its consumer pulls, holding nothing open between pages.
pub(crate) fn history<E: Event>(
    events: Arc<dyn EventStore>,
    stream: StreamName,
) -> impl Stream<Item = Result<Recorded<E>>> + Send {
    let first = Some(Read::of(Selection::Stream(stream)));
    stream::try_unfold((events, VecDeque::new(), first), async |(events, mut page, mut read)| {
        loop {
            if let Some(event) = page.pop_front() {
                let recorded: RecordedEvent = event;
                if recorded.event_type == TOMBSTONE {
                    continue;
                }
                return Ok(Some((Recorded::try_from(recorded)?, (events, page, read))));
            }
            let Some(request) = read.take() else { return Ok(None) };
            let next = events.read(request.clone()).await?;
            page = next.events.into();
            read = next.next.map(|position: Position| request.from(position));
        }
    })
}
