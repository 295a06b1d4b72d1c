//! The form in which a message of a virtual channel travels: an object of JSON, or, in another codec, the 16 bytes of the
//! channel's id and the bytes of the message.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::Result;
use crate::muon::codec::{Limits, Spoken, deflate, json};
use crate::muon::message::{ContentType, Message};
use crate::muon::protocol::step;

/// The step of the shared channel that carries a message.
pub(super) const STEP: &str = "message";

/// Payloads from this many bytes on are not copied.
const LONG: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    channel_id: &'a str,
    #[serde(borrow)]
    message: &'a RawValue,
}

/// What carries a message: its payload, and how that is encoded.
pub(super) fn write(spoken: &Spoken, id: Uuid, inner: &Message) -> (ContentType, Bytes) {
    let mut out = Vec::new();
    if let Some(codec) = spoken.better() {
        out.extend_from_slice(id.as_bytes());
        codec.encode_into(&mut out, inner);
        return (ContentType::Other(codec.content_type().into()), out.into());
    }
    out.reserve(448 + inner.payload.len() * 4);
    out.extend_from_slice(br#"{"channelId":""#);
    out.extend_from_slice(id.hyphenated().encode_lower(&mut [0; 36]).as_bytes());
    out.extend_from_slice(br#"","message":"#);
    json::encode_into(&mut out, inner);
    out.push(b'}');
    (ContentType::Json, out.into())
}

/// The virtual channel that a message is for, and its message, or what is wrong with that.
///
/// # Errors
/// `Decode` where not even the virtual channel can be told.
pub(super) fn read(spoken: &Spoken, outer: &Message, limits: &Limits) -> Result<(Uuid, Result<Message>)> {
    let codec = match &outer.content_type {
        ContentType::Other(name) => spoken.heard(name),
        _ => None,
    };
    let (id, inner) = match codec {
        Some(codec) => {
            let (id, _) = outer.payload.split_first_chunk().ok_or_else(|| step::unexpected(outer))?;
            let inner = codec.decode(&outer.payload.slice(id.len()..), limits);
            (Uuid::from_bytes(*id), inner.map(detached))
        }
        None => {
            let frame: Frame<'_> = step::parse_borrowed(outer)?;
            let id = Uuid::try_parse(frame.channel_id);
            let id = id.map_err(|error| step::unexpected(outer).caused_by(error))?;
            (id, json::decode(frame.message.get().as_bytes(), limits))
        }
    };
    Ok((id, inner.and_then(|inner| deflate::inflated(inner, limits))))
}

/// A message whose payload keeps little more than itself: what arrived with it may be long, and it may wait for long.
fn detached(mut message: Message) -> Message {
    if message.payload.len() < LONG {
        message.payload = Bytes::copy_from_slice(&message.payload);
    }
    message
}
