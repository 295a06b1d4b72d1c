//! Where an event stands: its version in a stream, its order id in the store, its schema.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::Name;

/// The place of an event inside its stream: 1, 2, 3 and so on without gaps. 0 stands for an empty stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub u64);

impl Version {
    /// An empty stream.
    pub const EMPTY: Self = Self(0);

    /// The highest version any store can hold (2^63 - 1).
    pub const MAX: Self = Self(i64::MAX as u64);

    /// The version of the event `count` places later.
    #[must_use]
    pub fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// The version of the next event.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }
}

/// The place of an event in the whole store. It rises in commit order: whoever has read `n` never meets a new event
/// at or below `n`. 0 stands for the place before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderId(pub u64);

impl OrderId {
    /// The place before the first event.
    pub const START: Self = Self(0);

    /// The place behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The place in front of this one; there is none in front of the start.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// What a caller believes of a stream when it appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectedVersion {
    /// Anything goes.
    Any,
    /// The stream has no events.
    NoStream,
    /// The stream has at least one event.
    Exists,
    /// The stream's last event has this version; `Exact(Version::EMPTY)` is `NoStream`.
    Exact(Version),
}

impl ExpectedVersion {
    /// Whether a stream at `actual` fits.
    pub fn accepts(self, actual: Version) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => actual == Version::EMPTY,
            Self::Exists => actual > Version::EMPTY,
            Self::Exact(version) => actual == version,
        }
    }
}

impl From<Version> for ExpectedVersion {
    fn from(version: Version) -> Self {
        Self::Exact(version)
    }
}

/// The schema of an event's payload: a number where Newton wrote it, free text where another program did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Schema {
    /// The number given with `#[event(version = n)]`; 1 by default.
    Number(u32),
    /// Another program's text, kept verbatim.
    Text(Name),
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ExpectedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any version"),
            Self::NoStream => f.write_str("no stream"),
            Self::Exists => f.write_str("any version of an existing stream"),
            Self::Exact(version) => write!(f, "version {version}"),
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}
