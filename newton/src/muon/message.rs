//! The message envelope: what every channel carries, whatever the transport.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use uuid::Uuid;

/// The name of a protocol or a step; most are known when the program is compiled.
pub type Label = Cow<'static, str>;

/// What stands where a message names no service.
pub const NO_SERVICE: &str = "n/a";

/// A message on a channel: the envelope, and the payload as bytes.
///
/// In the process it is passed as this struct; `codec::json` is its form on the wire.
///
/// ```
/// use newton::muon::{ChannelOp, Message};
///
/// let message = Message::new("rpc", "request.made", &b"{}"[..]).from_service("bank").to_service("ledger");
/// assert_eq!((&*message.protocol, &*message.step), ("rpc", "request.made"));
///
/// let answer = message.answer("request.response", &b"[]"[..]).closing();
/// assert_eq!(answer.provenance_id, Some(message.id));
/// assert_eq!(answer.target_service.as_deref(), Some("bank"));
/// assert_eq!(answer.channel_op, ChannelOp::Closed);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// This message.
    pub id: Uuid,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: u64,
    /// The service it is for.
    pub target_service: Option<Arc<str>>,
    /// The instance of the service it is for.
    pub target_service_instance: Option<Arc<str>>,
    /// The service it is from; `n/a` where none is named.
    pub origin_service: Arc<str>,
    /// The protocol that `step` belongs to.
    pub protocol: Label,
    /// The type of message inside of the protocol.
    pub step: Label,
    /// How what it answers went.
    pub status: Option<Status>,
    /// The message this one answers.
    pub provenance_id: Option<Uuid>,
    /// How `payload` is encoded.
    pub content_type: ContentType,
    /// The encoded payload.
    pub payload: Bytes,
    /// Whether the channel goes on after this message.
    pub channel_op: ChannelOp,
    /// Free text about where it came from.
    pub event_source: Option<Arc<str>>,
}

/// How what a message answers went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was done.
    Success,
    /// It was refused.
    Failure,
    /// It went wrong.
    Error,
}

/// How a payload is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// JSON text.
    Json,
    /// JSON text, compressed as a zlib stream.
    JsonDeflate,
    /// Text.
    Text,
    /// Another one, which only the protocol can judge.
    Other(Arc<str>),
}

/// Whether a channel goes on after a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelOp {
    /// It goes on.
    #[default]
    Normal,
    /// The message is the last one.
    Closed,
}

impl Message {
    /// A message of a step, with a JSON payload.
    pub fn new(protocol: impl Into<Label>, step: impl Into<Label>, payload: impl Into<Bytes>) -> Self {
        Self {
            id: Uuid::new_v4(),
            created: now(),
            target_service: None,
            target_service_instance: None,
            origin_service: no_service(),
            protocol: protocol.into(),
            step: step.into(),
            status: None,
            provenance_id: None,
            content_type: ContentType::Json,
            payload: payload.into(),
            channel_op: ChannelOp::Normal,
            event_source: None,
        }
    }

    /// A message of the same protocol that answers this one, back to where it came from.
    #[must_use]
    pub fn answer(&self, step: impl Into<Label>, payload: impl Into<Bytes>) -> Self {
        let mut answer = Self::new(self.protocol.clone(), step, payload);
        answer.provenance_id = Some(self.id);
        answer.target_service = Some(self.origin_service.clone());
        if let Some(service) = &self.target_service {
            answer.origin_service = service.clone();
        }
        answer
    }

    /// Says which service it is from.
    #[must_use]
    pub fn from_service(self, service: impl Into<Arc<str>>) -> Self {
        Self { origin_service: service.into(), ..self }
    }

    /// Says which service it is for.
    #[must_use]
    pub fn to_service(self, service: impl Into<Arc<str>>) -> Self {
        Self { target_service: Some(service.into()), ..self }
    }

    /// Says how what it answers went.
    #[must_use]
    pub fn with_status(self, status: Status) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Makes it the last one of its channel.
    #[must_use]
    pub fn closing(self) -> Self {
        Self { channel_op: ChannelOp::Closed, ..self }
    }

    /// Whether it is the last one of its channel.
    pub fn is_closing(&self) -> bool {
        self.channel_op == ChannelOp::Closed
    }
}

impl fmt::Debug for Message {
    /// Leaves the payload out: it may be long, and may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("protocol", &self.protocol)
            .field("step", &self.step)
            .field("id", &self.id)
            .field("origin_service", &self.origin_service)
            .field("status", &self.status)
            .field("channel_op", &self.channel_op)
            .field("payload_bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

impl Status {
    /// Its word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }

    /// The status of a word; none for a word that is no status.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Success, Self::Failure, Self::Error].into_iter().find(|status| status.as_str() == word)
    }
}

impl ContentType {
    /// Its text on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Json => "application/json",
            Self::JsonDeflate => "application/json+DEFLATE",
            Self::Text => "text/plain",
            Self::Other(text) => text,
        }
    }

    /// The content type of a text.
    pub fn parse(text: &str) -> Self {
        [Self::Json, Self::JsonDeflate, Self::Text]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
            .unwrap_or_else(|| Self::Other(text.into()))
    }
}

impl ChannelOp {
    /// Its word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Closed => "closed",
        }
    }
}

/// A `n/a` that is shared by all messages.
fn no_service() -> Arc<str> {
    static NONE: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| NO_SERVICE.into());
    NONE.clone()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
