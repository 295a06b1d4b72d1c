//! event: an event to be stored, and what became of it. What is stored comes back as a reactive stream, [`REPLAY`].
//!
//! - [`Emit`]: an event to be stored; [`Processed`]: what became of it; [`Replayed`]: an event that comes back
//! - [`emit`]: the client; [`EventServer`]: the server, in front of whatever stores events; [`replay`]: what to subscribe to

mod client;
mod server;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::muon::protocol::reactive_stream;
use crate::muon::secret::hidden;

pub use client::emit;
pub use server::{EventServer, Sink};

/// The protocol, as messages name it.
pub const PROTOCOL: &str = "event";

/// The path of the stream of stored events.
pub const REPLAY: &str = "/stream";

const EMITTED: &str = "EventEmitted";
const PROCESSED: &str = "EventProcessed";

/// An event to be stored.
///
/// ```
/// use newton::muon::protocol::event::Emit;
///
/// let emit = Emit::new("users", "UserBorn", r#"{"name":"Ada"}"#)?;
/// assert_eq!(emit.stream_name, "users");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Emit {
    /// Unique for ever, if it is given: the same event emitted again is stored once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name of its type.
    pub event_type: String,
    /// The stream it is for.
    pub stream_name: String,
    /// The schema of its payload, a text or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// The event that caused it: its id, or its order id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<Value>,
    /// In which way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by_relation: Option<String>,
    /// The service that it is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<String>,
    /// Its content, any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
    /// What the store asks for, if it does. It is not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What became of an emitted event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "UPPERCASE", rename_all_fields = "camelCase")]
pub enum Processed {
    /// It is stored.
    Persisted {
        /// Its place in the store.
        order_id: u64,
        /// When it was stored, in milliseconds since the Unix epoch.
        #[serde(default)]
        event_time: i64,
    },
    /// It is not.
    Failed {
        /// Why not.
        #[serde(default)]
        cause: String,
    },
}

/// A stored event as it comes back.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Replayed {
    /// Unique for ever.
    #[serde(default)]
    pub id: Value,
    /// The name of its type.
    pub event_type: String,
    /// The stream it is in.
    pub stream_name: String,
    /// The schema of its payload.
    #[serde(default)]
    pub schema: Value,
    /// The event that caused it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub caused_by_id: Value,
    /// In which way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by_relation: Option<String>,
    /// The service that it is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<String>,
    /// Its place in the store.
    pub order_id: u64,
    /// When it was stored, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub event_time: i64,
    /// Its content.
    pub payload: Box<RawValue>,
}

/// Which part of a stream is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// What is stored, and then the end.
    Cold,
    /// What is stored, and then what is added.
    #[default]
    HotCold,
    /// What is added from now on.
    Hot,
}

impl Emit {
    /// An event of a type for a stream, whose payload is JSON text.
    ///
    /// # Errors
    /// Where the payload is not JSON.
    pub fn new(
        stream: impl Into<String>,
        event_type: impl Into<String>,
        payload: impl Into<String>,
    ) -> serde_json::Result<Self> {
        Ok(Self {
            id: None,
            event_type: event_type.into(),
            stream_name: stream.into(),
            schema: None,
            caused_by: None,
            caused_by_relation: None,
            service_id: None,
            payload: Some(RawValue::from_string(payload.into())?),
            token: None,
        })
    }
}

impl fmt::Debug for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("stream_name", &self.stream_name)
            .field("schema", &self.schema)
            .field("caused_by", &self.caused_by)
            .field("caused_by_relation", &self.caused_by_relation)
            .field("service_id", &self.service_id)
            .field("payload", &self.payload)
            .field("token", &hidden(self.token.as_ref()))
            .finish()
    }
}

impl Part {
    /// Its word in a subscription.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::HotCold => "hot-cold",
            Self::Hot => "hot",
        }
    }

    /// The part of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Cold, Self::HotCold, Self::Hot].into_iter().find(|part| part.as_str() == word)
    }
}

/// What to subscribe to for the events of a stream, a domain stream, or all (`__all__`), from an order id on, inclusive; 0 is
/// the start.
pub fn replay(stream: &str, part: Part, from: u64) -> reactive_stream::Request {
    reactive_stream::Request::new(REPLAY)
        .with("stream-name", stream)
        .with("stream-type", part.as_str())
        .with("from", from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_not_shown() {
        let mut emit = Emit::new("users", "UserBorn", "{}").unwrap();
        emit.token = Some("open sesame".to_owned());
        let shown = format!("{emit:?}");
        assert!(shown.contains(r#"token: Some("..")"#) && !shown.contains("sesame"), "{shown}");
    }
}
