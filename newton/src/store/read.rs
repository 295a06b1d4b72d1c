//! What a read takes and gives.

use crate::domain::{EventId, FoldEvent, OrderId, Query, RecordedEvent, StreamName, Timestamp, Version};

/// A request for a page of recorded events.
///
/// ```
/// use newton::store::{Position, Read, Selection};
/// use newton::OrderId;
///
/// let read = Read::of(Selection::All).from(Position::OrderId(OrderId(42))).limit(100);
/// ```
#[derive(Clone, Debug)]
pub struct Read {
    /// Of which streams.
    pub selection: Selection,
    /// Which events of these.
    pub query: Query,
    /// Where to begin, inclusive; `None` is the near end: the first event forward, the last backward.
    pub from: Option<Position>,
    /// Which way.
    pub direction: Direction,
    /// The most events in the page, at least 1. A store may give fewer.
    pub limit: usize,
    /// Whether `Selection::All` includes system streams.
    pub system: bool,
}

/// Which streams a read covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// One stream, in version order.
    Stream(StreamName),
    /// All streams of a domain, such as `bank/Account`, in order-id order.
    Domain(StreamName),
    /// Every stream, in order-id order.
    All,
    /// The events with these ids, wherever they are, in order-id order; unknown ids are left out.
    Ids(Vec<EventId>),
}

/// A place to read from, inclusive in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// A version; only with [`Selection::Stream`].
    Version(Version),
    /// An order id, whether or not the selection has an event there.
    OrderId(OrderId),
    /// A time: forward, the first event at or after it; backward, the last at or before it.
    Time(Timestamp),
}

/// Which way a read goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From old to new.
    #[default]
    Forward,
    /// From new to old.
    Backward,
}

/// A page of recorded events.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The events, in the read's direction. May be empty although more follow.
    pub events: Vec<RecordedEvent>,
    /// Where the next page begins; `None` where the selection ends for now.
    pub next: Option<Position>,
}

/// A request for a page of one stream, for folding.
#[derive(Clone, Debug)]
pub struct Load {
    /// The stream.
    pub stream: StreamName,
    /// The events above this version.
    pub after: Version,
    /// The most events in the page, at least 1. A store may give fewer.
    pub limit: usize,
}

/// A page of one stream, for folding. More follows while the last event's version is below `version`.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// The events in version order. A tombstone is not among them.
    pub events: Vec<FoldEvent>,
    /// The version of the stream's last event that is not a tombstone; 0 where there is none.
    pub version: Version,
    /// Whether the stream ended with a tombstone.
    pub deleted: bool,
}

impl Read {
    /// The events a page holds unless [`limit`](Self::limit) says otherwise.
    pub const PAGE: usize = 1_000;

    /// All events of a selection, forward from the first, in pages of [`PAGE`](Self::PAGE).
    pub fn of(selection: Selection) -> Self {
        Self {
            selection,
            query: Query::all(),
            from: None,
            direction: Direction::Forward,
            limit: Self::PAGE,
            system: false,
        }
    }

    /// Only the events that match.
    #[must_use]
    pub fn matching(self, query: Query) -> Self {
        Self { query, ..self }
    }

    /// Begins at a place, inclusive.
    #[must_use]
    pub fn from(self, position: Position) -> Self {
        Self { from: Some(position), ..self }
    }

    /// From new to old.
    #[must_use]
    pub fn backward(self) -> Self {
        Self { direction: Direction::Backward, ..self }
    }

    /// At most so many events a page.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// System streams too.
    #[must_use]
    pub fn with_system(self) -> Self {
        Self { system: true, ..self }
    }
}
