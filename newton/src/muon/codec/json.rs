//! Messages as JSON text.

use std::borrow::Cow;
use std::sync::Arc;

use ::bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Codec, Limits, bytes, long_enough, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::message::{ChannelOp, ContentType, Message, NO_SERVICE, Status};

/// The form that every peer understands.
///
/// ```
/// use newton::muon::codec::{Codec, Json};
/// use newton::muon::{Limits, Message};
///
/// let message = Message::new("rpc", "request.made", &b"{}"[..]);
/// let mut text = Vec::new();
/// Json.encode_into(&mut text, &message);
/// assert!(String::from_utf8_lossy(&text).contains(r#""payload":[123,125]"#));
/// assert_eq!(Json.decode(&text.into(), &Limits::default()).unwrap(), message);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Codec for Json {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn encode_into(&self, out: &mut Vec<u8>, message: &Message) {
        encode_into(out, message);
    }

    fn decode(&self, frame: &Bytes, limits: &Limits) -> Result<Message> {
        decode(frame, limits)
    }
}

/// A message as JSON text.
pub fn encode(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(&mut out, message);
    out
}

/// Appends a message as JSON text.
pub fn encode_into(out: &mut Vec<u8>, message: &Message) {
    out.reserve(384 + message.payload.len() * 4);
    let mut id = [0; 36];
    out.extend_from_slice(br#"{"id":""#);
    out.extend_from_slice(message.id.hyphenated().encode_lower(&mut id).as_bytes());
    out.extend_from_slice(br#"","created":"#);
    out.extend_from_slice(message.created.to_string().as_bytes());
    optional(out, "target_service", message.target_service.as_deref());
    optional(out, "target_service_instance", message.target_service_instance.as_deref());
    field(out, "origin_service", &message.origin_service);
    field(out, "protocol", &message.protocol);
    field(out, "step", &message.step);
    optional(out, "status", message.status.map(Status::as_str));
    if let Some(provenance) = &message.provenance_id {
        field(out, "provenance_id", provenance.hyphenated().encode_lower(&mut id));
    }
    field(out, "content_type", message.content_type.as_str());
    field(out, "channel_op", message.channel_op.as_str());
    optional(out, "event_source", message.event_source.as_deref());
    out.extend_from_slice(br#","payload":"#);
    bytes::write_array(out, &message.payload);
    out.push(b'}');
}

fn optional(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        field(out, name, value);
    }
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    write_text(out, value);
}

/// Appends text as a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: Uuidish<'a>,
    #[serde(default)]
    created: u64,
    #[serde(borrow, default)]
    target_service: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    target_service_instance: Option<Cow<'a, str>>,
    /// Left out by the published library, where it refuses a message that names no `target_service`.
    #[serde(borrow, default = "no_service")]
    origin_service: Cow<'a, str>,
    #[serde(borrow)]
    protocol: Cow<'a, str>,
    #[serde(borrow)]
    step: Cow<'a, str>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    provenance_id: Option<Uuidish<'a>>,
    #[serde(borrow, default)]
    content_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
    #[serde(borrow, default)]
    channel_op: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    event_source: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Uuidish<'a>(#[serde(borrow)] Cow<'a, str>);

impl Uuidish<'_> {
    fn parse(&self, field: &'static str) -> Result<Uuid> {
        Uuid::try_parse(&self.0).map_err(|error| refused(field, "is no UUID").caused_by(error))
    }
}

/// The message of JSON text.
///
/// # Errors
/// `TooLarge` over the limit of a frame, `Decode` for anything that is no message.
pub fn decode(text: &[u8], limits: &Limits) -> Result<Message> {
    limits.admit_frame(text.len())?;
    let envelope: Envelope<'_> = serde_json::from_slice(text).map_err(|error| {
        let message = "what arrived is no message; the sender is at fault, or is no Muon service";
        Error::new(ErrorKind::Decode, "decode", message).with("bytes", text.len()).caused_by(error)
    })?;
    envelope.into_message()
}

impl Envelope<'_> {
    fn into_message(self) -> Result<Message> {
        let payload = self.payload.map(|payload| bytes::read_array(payload.get().as_bytes())).transpose()?;
        Ok(Message {
            id: self.id.parse("id")?,
            created: self.created,
            target_service: self.target_service.map(Into::into),
            target_service_instance: self.target_service_instance.map(Into::into),
            origin_service: long_enough("origin_service", self.origin_service)?.into(),
            protocol: known(self.protocol),
            step: known(long_enough("step", self.step)?),
            status: status(self.status.as_deref())?,
            provenance_id: self.provenance_id.map(|id| id.parse("provenance_id")).transpose()?,
            content_type: self.content_type.map_or(ContentType::Json, |text| ContentType::parse(&text)),
            payload: payload.unwrap_or_default().into(),
            channel_op: channel_op(self.channel_op.as_deref())?,
            event_source: self.event_source.map(Arc::from),
        })
    }
}

fn status(word: Option<&str>) -> Result<Option<Status>> {
    match word {
        None | Some("") => Ok(None),
        Some(word) => Status::parse(word).map(Some).ok_or_else(|| refused("status", "is no known status")),
    }
}

fn channel_op(word: Option<&str>) -> Result<ChannelOp> {
    match word {
        None | Some("normal") => Ok(ChannelOp::Normal),
        Some("closed") => Ok(ChannelOp::Closed),
        Some(_) => Err(refused("channel_op", "is neither `normal` nor `closed`")),
    }
}

fn no_service<'a>() -> Cow<'a, str> {
    Cow::Borrowed(NO_SERVICE)
}

/// A label that outlives the text.
fn known(label: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(label.into_owned())
}
