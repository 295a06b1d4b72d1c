//! Which events of a correlation are found by their ids, and which need a row that points to them.
//!
//! A command that nobody caused begins a correlation of its own name, and the ids of its events begin with the time in
//! its id: they stand together in the index of ids, and a second index would cost more than a tenth of their appends.
//! `event_correlations` has the others.

use rusqlite::types::Value;
use uuid::Uuid;

use crate::domain::id::Id;
use crate::domain::{CorrelationId, EventId};

/// The first bytes that an event's id has from its command's: the milliseconds of a UUID of version 7.
const SHARED: usize = 6;

/// Versions of UUIDs whose first bytes are a time or random, so that few ids of a store begin alike.
const SPREAD: [usize; 3] = [4, 5, 7];

/// The same as [`is_found_by_id`] in SQL, of a row `e` of the events.
pub(super) const IS_FOUND_BY_ID: &str = "(typeof(e.event_id) = 'blob' AND typeof(e.correlation_id) = 'blob'
   AND substr(e.event_id, 1, 6) = substr(e.correlation_id, 1, 6)
   AND substr(hex(e.correlation_id), 13, 1) IN ('4', '5', '7'))";

/// Whether the index of ids leads from the correlation to the event.
pub(super) fn is_found_by_id(event: &EventId, correlation: &CorrelationId) -> bool {
    match (&event.0, spread(correlation)) {
        (Id::Uuid(event), Some(correlation)) => {
            event.as_bytes()[..SHARED] == correlation.as_bytes()[..SHARED]
        }
        _ => false,
    }
}

/// The first and the last id that an event found by its id can have; `None` where there is no such event.
pub(super) fn ids(correlation: &CorrelationId) -> Option<[Value; 2]> {
    let correlation = spread(correlation)?;
    Some([0, u8::MAX].map(|rest| {
        let mut id = [rest; 16];
        id[..SHARED].copy_from_slice(&correlation.as_bytes()[..SHARED]);
        Value::Blob(id.into())
    }))
}

fn spread(correlation: &CorrelationId) -> Option<&Uuid> {
    match &correlation.0 {
        Id::Uuid(uuid) => SPREAD.contains(&uuid.get_version_num()).then_some(uuid),
        Id::Text(_) => None,
    }
}
