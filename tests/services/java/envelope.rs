//! Messages as the Java library writes them: signed bytes, the instance a message is for, and fields that nobody knows.

use chrono::Utc;
use newton::muon::codec::deflate::{compress, inflate};
use serde_json::{Value, json};
use uuid::Uuid;

const DEFLATE: &str = "application/json+DEFLATE";
/// The most bytes that a payload of a trial has.
const MOST: usize = 1 << 20;

/// How a peer encodes its payloads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Plain,
    Deflated,
}

/// Between which services a message goes.
pub(super) struct Route {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) instance: String,
}

/// A message that arrived: of a virtual channel, or of the shared one itself.
#[derive(Debug)]
pub(super) struct Heard {
    /// The virtual channel; none for what is of the shared one.
    pub(super) channel: Option<String>,
    envelope: Value,
    /// The JSON of its payload.
    pub(super) payload: Value,
}

impl Form {
    pub(super) const BOTH: [Self; 2] = [Self::Plain, Self::Deflated];

    fn content_type(self) -> &'static str {
        match self {
            Self::Plain => "application/json",
            Self::Deflated => DEFLATE,
        }
    }

    fn encoded(self, payload: &Value) -> Vec<i8> {
        let json = payload.to_string().into_bytes();
        match self {
            Self::Plain => signed(&json),
            Self::Deflated => signed(&compress(&json).expect("a zlib stream")),
        }
    }
}

impl Route {
    pub(super) fn envelope(&self, form: Form, protocol: &str, step: &str, payload: &Value) -> Value {
        json!({
            "id": Uuid::new_v4().to_string(),
            "created": Utc::now().timestamp_millis(),
            "target_service": self.to,
            "target_service_instance": self.instance,
            "origin_service": self.from,
            "protocol": protocol,
            "step": step,
            "content_type": form.content_type(),
            "channel_op": "normal",
            // Not ASCII, so that the payload of the shared channel's message has negative bytes as well.
            "event_source": "Prüfstand",
            "unknown": { "to": ["everybody", null] },
            "payload": form.encoded(payload),
        })
    }
}

impl Heard {
    /// What the body of a message holds.
    pub(super) fn read(body: &[u8]) -> Self {
        let envelope: Value = serde_json::from_slice(body).expect("an envelope");
        let payload = decoded(&envelope);
        if envelope["protocol"] != "shared-channel" {
            return Self { channel: None, envelope, payload };
        }
        assert_eq!(envelope["step"], "message");
        let inner = payload["message"].clone();
        let channel = payload["channelId"].as_str().expect("a channel").to_owned();
        Self { channel: Some(channel), payload: decoded(&inner), envelope: inner }
    }

    pub(super) fn field(&self, name: &str) -> &str {
        self.envelope[name].as_str().unwrap_or_default()
    }

    pub(super) fn is_keep_alive(&self) -> bool {
        (self.field("protocol"), self.field("step")) == ("muon", "keep-alive")
    }

    pub(super) fn is_closing(&self) -> bool {
        self.field("channel_op") == "closed"
    }

    /// The bytes of a field `body`, as JSON.
    pub(super) fn body(&self) -> Value {
        serde_json::from_slice(&unsigned(&self.payload["body"])).expect("JSON")
    }
}

/// Bytes as Java has them.
pub(super) fn signed(bytes: &[u8]) -> Vec<i8> {
    bytes.iter().map(|byte| byte.cast_signed()).collect()
}

/// Bytes as everybody may expect them.
fn unsigned(bytes: &Value) -> Vec<u8> {
    serde_json::from_value(bytes.clone()).expect("unsigned bytes")
}

fn decoded(envelope: &Value) -> Value {
    let payload = unsigned(&envelope["payload"]);
    let payload = match envelope["content_type"].as_str() {
        Some(DEFLATE) => inflate(&payload, MOST).expect("a zlib stream"),
        _ => payload,
    };
    serde_json::from_slice(&payload).expect("JSON")
}
