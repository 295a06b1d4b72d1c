//! Parked events as a projection keeps them: where they are and why, not what they hold.

use std::collections::HashMap;

use crate::domain::{EventId, Name, OrderId, RecordedEvent, Timestamp};
use crate::error::Result;
use crate::store::{EventStore, Read, Selection};
use crate::subscription::{Dropped, Parked, ParkedKey};

/// A parked event, without its content.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) order_id: OrderId,
    pub(super) event_id: EventId,
    pub(super) cause: Option<String>,
    pub(super) attempts: u32,
    pub(super) since: Timestamp,
}

/// A parked event that somebody gave up.
#[derive(Clone, Debug)]
pub(super) struct GivenUp {
    pub(super) key: Name,
    pub(super) note: Note,
    pub(super) reason: String,
    pub(super) time: Timestamp,
}

impl Note {
    /// Of an event that failed, or that waits behind one that did.
    pub(super) fn of(event: &RecordedEvent, cause: Option<String>, since: Timestamp) -> Self {
        let attempts = u32::from(cause.is_some());
        Self { order_id: event.order_id, event_id: event.id.clone(), cause, attempts, since }
    }

    /// With its content, as far as it was found.
    fn with(self, found: &mut HashMap<OrderId, RecordedEvent>) -> Parked {
        let Self { order_id, event_id, cause, attempts, since } = self;
        Parked { event: found.remove(&order_id), order_id, event_id, cause, attempts, since }
    }
}

/// The parked keys with their events, read from the log.
pub(super) async fn list(
    reaction: &Name,
    keys: Vec<(Name, Vec<Note>)>,
    events: &dyn EventStore,
) -> Result<Vec<ParkedKey>> {
    let mut listed = Vec::with_capacity(keys.len());
    for (key, notes) in keys {
        let mut found = fetch(&notes, events).await?;
        let events = notes.into_iter().map(|note| note.with(&mut found)).collect();
        listed.push(ParkedKey { reaction: reaction.clone(), key, events });
    }
    Ok(listed)
}

/// What was given up, with its events, read from the log.
pub(super) async fn dropped(given_up: Vec<GivenUp>, events: &dyn EventStore) -> Result<Vec<Dropped>> {
    let notes: Vec<Note> = given_up.iter().map(|dropped| dropped.note.clone()).collect();
    let mut found = fetch(&notes, events).await?;
    let with = |GivenUp { key, note, reason, time }: GivenUp| {
        let parked = note.with(&mut found);
        Dropped { key, parked, reason, time }
    };
    Ok(given_up.into_iter().map(with).collect())
}

/// The events of notes, by order id.
pub(super) async fn fetch(
    notes: &[Note],
    events: &dyn EventStore,
) -> Result<HashMap<OrderId, RecordedEvent>> {
    let mut found = HashMap::with_capacity(notes.len());
    for part in notes.chunks(Read::PAGE) {
        let ids = part.iter().map(|note| note.event_id.clone()).collect();
        let mut read = Some(Read::of(Selection::Ids(ids)).with_system());
        while let Some(this) = read.take() {
            let page = events.read(this.clone()).await?;
            found.extend(page.events.into_iter().map(|event| (event.order_id, event)));
            read = page.next.map(|next| this.from(next));
        }
    }
    Ok(found)
}
