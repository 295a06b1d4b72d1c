//! What a subscription is to deliver.

use crate::domain::{Query, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Position, Read, Selection};

/// Which events a subscription delivers, from where, and whether it goes on with what is appended later.
///
/// ```
/// use newton::OrderId;
/// use newton::store::{Position, Selection};
/// use newton::subscription::Subscribe;
///
/// let everything_that_is_there = Subscribe::cold(Selection::All);
/// let all_from_42_and_what_follows = Subscribe::hot_cold(Selection::All).from(Position::OrderId(OrderId(42)));
/// let what_follows = Subscribe::hot(Selection::All);
/// ```
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Of which streams.
    pub selection: Selection,
    /// Which events of these.
    pub query: Query,
    /// Which part of the log.
    pub mode: Mode,
    /// Where to begin, inclusive; `None` is the first event. A hot subscription begins at the head.
    pub from: Option<Position>,
    /// Whether system streams are among `Selection::All`.
    pub system: bool,
}

/// Which part of the log a subscription delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What is stored; the stream ends at the head as it was when the subscription was opened.
    Cold,
    /// What is stored, and then what is appended, without a seam.
    HotCold,
    /// What is appended after the subscription was opened.
    Hot,
}

/// Where a named handler begins that has never run before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With what is appended after its first registration, which is stored.
    #[default]
    Now,
    /// With the first event of the log.
    Origin,
}

impl Subscribe {
    /// What is stored, and then the end.
    pub fn cold(selection: Selection) -> Self {
        Self::of(selection, Mode::Cold)
    }

    /// What is stored, and then what is appended.
    pub fn hot_cold(selection: Selection) -> Self {
        Self::of(selection, Mode::HotCold)
    }

    /// What is appended from now on.
    pub fn hot(selection: Selection) -> Self {
        Self::of(selection, Mode::Hot)
    }

    fn of(selection: Selection, mode: Mode) -> Self {
        Self { selection, query: Query::all(), mode, from: None, system: false }
    }

    /// Begins at a place, inclusive: an order id, a time, or in one stream a version.
    #[must_use]
    pub fn from(self, position: Position) -> Self {
        Self { from: Some(position), ..self }
    }

    /// Only the events that match.
    #[must_use]
    pub fn matching(self, query: Query) -> Self {
        Self { query, ..self }
    }

    /// System streams too.
    #[must_use]
    pub fn with_system(self) -> Self {
        Self { system: true, ..self }
    }

    /// Checks it before anything is opened.
    pub(super) fn admit(&self) -> Result<()> {
        if self.mode == Mode::Hot && self.from.is_some() {
            let message = "a hot subscription begins now; use `hot_cold` to begin elsewhere";
            return Err(Error::new(ErrorKind::InvalidInput, "subscribe", message));
        }
        self.read().admit()
    }

    /// The read of its first page.
    pub(super) fn read(&self) -> Read {
        let read = Read::of(self.selection.clone()).matching(self.query.clone());
        Read { from: self.from, system: self.system, ..read }
    }

    /// Whether an event is one of those to be delivered, wherever the subscription is.
    pub(super) fn admits(&self, event: &RecordedEvent) -> bool {
        self.selection.covers(event, self.system)
            && self.query.matches(&event.event_type, &event.tags)
            && self.has_begun_at(event)
    }

    /// Whether an event is at or behind the beginning, which may be in the future.
    pub(super) fn has_begun_at(&self, event: &RecordedEvent) -> bool {
        match self.from {
            None => true,
            Some(Position::Version(version)) => event.version >= version,
            Some(Position::OrderId(order_id)) => event.order_id >= order_id,
            Some(Position::Time(time)) => event.time >= time,
        }
    }
}
