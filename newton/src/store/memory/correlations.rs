//! Which events belong to a correlation: listed when somebody asks, so that appends need not.

use std::collections::HashMap;
use std::sync::Mutex;

use lru::DefaultHasher;

use super::index::Places;
use crate::domain::{CorrelationId, RecordedEvent};
use crate::sync::lock;

/// The events that are listed in one go, so that the log is not locked for long.
const STEP: usize = 16_384;

/// The order ids of each correlation's events, as far as somebody asked.
#[derive(Default)]
pub(super) struct Correlations(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    /// How many events of the log are listed.
    listed: usize,
    places: HashMap<CorrelationId, Places, DefaultHasher>,
}

impl Correlations {
    /// The order ids of a correlation's events; `None` where more of the log is to be listed first, by asking again.
    pub(super) fn places(&self, id: &CorrelationId, log: &[RecordedEvent]) -> Option<Places> {
        let mut lists = lock(&self.0);
        for event in log.iter().skip(lists.listed).take(STEP) {
            if let Some(id) = &event.metadata.correlation_id {
                lists.places.entry(id.clone()).or_default().push(event.order_id);
            }
            lists.listed += 1;
        }
        (lists.listed == log.len()).then(|| lists.places.get(id).cloned().unwrap_or_default())
    }
}
