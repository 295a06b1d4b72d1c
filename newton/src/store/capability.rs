//! What a store can do, as data, and the always-on check that refuses what would be lost silently.

use serde::{Deserialize, Serialize};

use crate::domain::envelope::TOMBSTONE;
use crate::domain::{ExpectedVersion, NewEvent, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Append, StreamAppend};

/// What a store can do. [`admit`](Self::admit) refuses the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::struct_excessive_bools, reason = "a record of independent facts")]
pub struct Capability {
    /// Whether an acknowledged append survives the end of the process and of the power.
    pub durable: bool,
    /// Whether expected versions are checked.
    pub expected_versions: bool,
    /// Whether one append can write to several streams.
    pub multi_stream: bool,
    /// Whether conditions over types and tags are checked.
    pub conditions: bool,
    /// What an append may hold at most.
    pub limits: Limits,
}

/// What an append may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limits {
    /// The bytes of one event's payload.
    pub event_bytes: usize,
    /// The events of one append.
    pub events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event_bytes: 16 * 1024 * 1024, events: 65_536 }
    }
}

const APPEND: &str = "append";
const MAX_NAME: usize = 512;

impl Capability {
    /// Checks an append before a store touches it: every store calls this first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], [`ErrorKind::TooLarge`] or [`ErrorKind::Unsupported`], naming what is wrong.
    pub fn admit(&self, append: &Append) -> Result<()> {
        if append.streams.is_empty() {
            return Err(invalid("there is nothing to append; give at least one event"));
        }
        if append.streams.len() > 1 && !self.multi_stream {
            return Err(unsupported("append to several streams at once; append to one at a time"));
        }
        if append.condition.is_some() && !self.conditions {
            return Err(unsupported("check a condition; use expected versions"));
        }
        let count: usize = append.streams.iter().map(|stream| stream.events.len()).sum();
        if count > self.limits.events {
            let message = format!("{count} events in one append, at most {} are allowed", self.limits.events);
            return Err(Error::new(ErrorKind::TooLarge, APPEND, message));
        }
        for (index, stream) in append.streams.iter().enumerate() {
            if append.streams[..index].iter().any(|other| other.stream == stream.stream) {
                return Err(invalid("a stream stands twice in one append; put its events together")
                    .with("stream", &stream.stream));
            }
            self.admit_stream(stream).map_err(|error| error.with("stream", &stream.stream))?;
        }
        Ok(())
    }

    fn admit_stream(&self, append: &StreamAppend) -> Result<()> {
        if append.events.is_empty() {
            return Err(invalid("there is nothing to append; give at least one event"));
        }
        match append.expected {
            ExpectedVersion::Exact(version) if version > Version::MAX => {
                let message =
                    format!("the expected version {version} is above the highest, {}", Version::MAX);
                return Err(invalid(message));
            }
            ExpectedVersion::Any => {}
            _ if !self.expected_versions => {
                return Err(unsupported("check expected versions; use `ExpectedVersion::Any`"));
            }
            _ => {}
        }
        let last = append.events.len() - 1;
        append.events.iter().enumerate().try_for_each(|(index, event)| self.admit_event(event, index == last))
    }

    fn admit_event(&self, event: &NewEvent, last: bool) -> Result<()> {
        if event.payload.len() > self.limits.event_bytes {
            let message = format!(
                "the event `{}` has {} bytes, at most {} are allowed; raise the limit or store a reference",
                event.event_type,
                event.payload.len(),
                self.limits.event_bytes
            );
            return Err(Error::new(ErrorKind::TooLarge, APPEND, message));
        }
        if event.event_type == TOMBSTONE && !last {
            return Err(invalid("an event follows the tombstone; a tombstone must be the last"));
        }
        let name = &event.event_type;
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            let message = format!("{:?} is no event type name; use 1 to {MAX_NAME} printable bytes", &**name);
            return Err(invalid(message));
        }
        Ok(())
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, APPEND, message)
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, APPEND, format!("this store cannot {what}"))
}
