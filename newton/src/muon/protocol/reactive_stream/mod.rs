//! reactive-stream: items from a service, never more than the subscriber has asked for.
//!
//! - [`Request`]: what is subscribed to; [`Item`]: one item
//! - [`subscribe`](fn@subscribe): the client, [`Subscription`]: what it gets
//! - [`StreamServer`]: the streams that a service offers; `publisher`: one subscription at the server
//!
//! The order of a channel: `SubscriptionRequested`, `SubAck` or `SubNack`, then `DataRequested` from the one side and as many `Data` as
//! were granted from the other, until `Completed`, `Errored` or `Cancelled`.

mod client;
mod publisher;
mod server;

use std::fmt;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::muon::secret::hidden;

pub use client::{Subscription, subscribe};
pub use publisher::publish;
pub use server::StreamServer;

/// The protocol, as messages name it.
pub const PROTOCOL: &str = "reactive-stream";

const SUBSCRIBE: &str = "SubscriptionRequested";
const ACK: &str = "SubAck";
const NACK: &str = "SubNack";
const GRANT: &str = "DataRequested";
const DATA: &str = "Data";
const COMPLETED: &str = "Completed";
const ERRORED: &str = "Errored";
const CANCELLED: &str = "Cancelled";

/// The argument by which those show who asks who can send no `auth`.
pub const TOKEN: &str = "token";

/// The JSON of one item.
pub type Item = Bytes;

/// Items as a server makes them; an error ends the stream and is told to the subscriber.
pub type Items = BoxStream<'static, Result<Item>>;

/// What is subscribed to.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The path of the stream, which starts with `/`.
    pub stream_name: String,
    /// What the stream asks for.
    #[serde(default, deserialize_with = "or_empty")]
    pub args: Map<String, Value>,
    /// What shows who asks, in a form the service knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct Grant {
    request: u64,
}

#[derive(Serialize, Deserialize)]
struct Failed {
    #[serde(default)]
    error: Value,
}

impl Request {
    /// A subscription to the stream at a path.
    pub fn new(path: &str) -> Self {
        Self { stream_name: path.to_owned(), ..Self::default() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.args.insert(name.to_owned(), value.into());
        self
    }

    /// An argument as text; numbers and booleans count as theirs.
    pub fn arg(&self, name: &str) -> Option<String> {
        match self.args.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut args = self.args.clone();
        if let Some(token) = args.get_mut(TOKEN) {
            *token = hidden(Some(token)).into();
        }
        f.debug_struct("Request")
            .field("stream_name", &self.stream_name)
            .field("args", &args)
            .field("auth", &hidden(self.auth.as_ref()))
            .finish()
    }
}

/// Peers send `null` for no arguments.
fn or_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_not_shown() {
        let request = Request::new("/prices").with("currency", "EUR").with("token", "open sesame");
        let shown = format!("{:?}", Request { auth: Some("open sesame".into()), ..request });
        assert!(shown.contains("EUR") && !shown.contains("sesame"), "{shown}");
        assert_eq!(shown.matches(r#"".."#).count(), 2, "{shown}");
    }
}
