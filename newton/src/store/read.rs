//! What a read takes and gives.

use serde::{Deserialize, Serialize};

use crate::domain::wire::micros;
use crate::domain::{
    CorrelationId, EventId, FoldEvent, OrderId, Query, RecordedEvent, StreamName, Timestamp, Version,
};
use crate::error::{Error, ErrorKind, Result};

/// A request for a page of recorded events.
///
/// ```
/// use newton::store::{Position, Read, Selection};
/// use newton::OrderId;
///
/// let read = Read::of(Selection::All).from(Position::OrderId(OrderId(42))).limit(100);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// One stream, in version order.
    Stream(StreamName),
    /// All streams of a domain, such as `bank/Account`, in order-id order.
    Domain(StreamName),
    /// Every stream, in order-id order.
    All,
    /// The events with these ids, wherever they are, in order-id order; unknown ids are left out.
    Ids(Vec<EventId>),
    /// The events of this correlation, wherever they are, in order-id order. Those of system streams are among them,
    /// asked for or not: they belong to what came of the first cause.
    Correlation(CorrelationId),
}

/// A place to read from, inclusive in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Position {
    /// A version; only with [`Selection::Stream`].
    Version(Version),
    /// An order id, whether or not the selection has an event there.
    OrderId(OrderId),
    /// A time: forward, the first event at or after it; backward, the last at or before it.
    Time(#[serde(with = "micros")] Timestamp),
}

/// Which way a read goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From old to new.
    #[default]
    Forward,
    /// From new to old.
    Backward,
}

/// A page of recorded events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Page {
    /// The events, in the read's direction. May be empty although more follow.
    pub events: Vec<RecordedEvent>,
    /// Where the next page begins; `None` where the selection ends for now.
    pub next: Option<Position>,
}

/// A request for a page of one stream, for folding.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Load {
    /// The stream.
    pub stream: StreamName,
    /// The events above this version.
    pub after: Version,
    /// The most events in the page, at least 1. A store may give fewer.
    pub limit: usize,
}

/// A page of one stream, for folding. More follows while the last event's version is below `version`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Slice {
    /// The events in version order. A tombstone is not among them.
    pub events: Vec<FoldEvent>,
    /// The version of the stream's last event that is not a tombstone; 0 where there is none.
    pub version: Version,
    /// Whether the stream ended with a tombstone.
    pub deleted: bool,
}

impl Selection {
    /// A selection from text: [`__all__`](StreamName::ALL), a domain stream such as `bank/Account`, or a stream such as
    /// `bank/Account/acc-1`.
    ///
    /// A name of three parts or more is a stream, any other a domain stream. A stream whose name has fewer parts is
    /// selected by [`Selection::Stream`] itself.
    ///
    /// ```
    /// use newton::StreamName;
    /// use newton::store::Selection;
    ///
    /// let account = StreamName::parse("bank/Account/acc-1")?;
    /// assert_eq!(Selection::parse("bank/Account/acc-1")?, Selection::Stream(account));
    /// assert_eq!(Selection::parse("bank/Account")?, Selection::Domain(StreamName::parse("bank/Account")?));
    /// assert_eq!(Selection::parse("__all__")?, Selection::All);
    /// # Ok::<(), newton::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it is no stream's name.
    pub fn parse(target: &str) -> Result<Self> {
        if target == StreamName::ALL {
            return Ok(Self::All);
        }
        let name = StreamName::parse(target)?;
        Ok(if target.matches('/').count() >= 2 { Self::Stream(name) } else { Self::Domain(name) })
    }

    /// Whether an event is in one of the streams; `system` says whether `All` includes system streams.
    pub(crate) fn covers(&self, event: &RecordedEvent, system: bool) -> bool {
        match self {
            Self::Stream(stream) => event.stream == *stream,
            Self::Domain(domain) => event.stream.domain() == Some(domain.as_str()),
            Self::All => system || !event.stream.is_system(),
            Self::Ids(ids) => ids.contains(&event.id),
            Self::Correlation(id) => event.metadata.correlation_id.as_ref() == Some(id),
        }
    }
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

    /// Checks a read before a store touches it: every store calls this first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the limit is 0, or a read of more than one stream begins at a version.
    pub fn admit(&self) -> Result<()> {
        admit_limit("read", self.limit)?;
        match (&self.selection, self.from) {
            (Selection::Stream(_), _) | (_, None | Some(Position::OrderId(_) | Position::Time(_))) => Ok(()),
            (_, Some(Position::Version(version))) => {
                let message = format!(
                    "version {version} is no place to begin in more than one stream; give an order id or a time"
                );
                Err(Error::new(ErrorKind::InvalidInput, "read", message))
            }
        }
    }
}

impl Load {
    /// Checks a load before a store touches it: every store calls this first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the limit is 0.
    pub fn admit(&self) -> Result<()> {
        admit_limit("load", self.limit).map_err(|error| error.with("stream", &self.stream))
    }
}

/// Refuses a page of nothing, with which a reader would never get on.
pub(super) fn admit_limit(operation: &'static str, limit: usize) -> Result<()> {
    if limit > 0 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidInput, operation, "a page of 0 was asked for; ask for at least 1"))
}
