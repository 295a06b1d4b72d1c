//! The form in which a message of a virtual channel travels.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::Result;
use crate::muon::codec::{Limits, deflate, json};
use crate::muon::message::Message;
use crate::muon::protocol::step;

/// The step of the shared channel that carries a message.
pub(super) const STEP: &str = "message";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    channel_id: &'a str,
    #[serde(borrow)]
    message: &'a RawValue,
}

/// The payload that carries a message.
pub(super) fn write(id: Uuid, inner: &Message) -> Bytes {
    let mut out = Vec::with_capacity(448 + inner.payload.len() * 4);
    out.extend_from_slice(br#"{"channelId":""#);
    out.extend_from_slice(id.hyphenated().encode_lower(&mut [0; 36]).as_bytes());
    out.extend_from_slice(br#"","message":"#);
    json::encode_into(&mut out, inner);
    out.push(b'}');
    out.into()
}

/// The virtual channel that a message is for, and its message, or what is wrong with that.
///
/// # Errors
/// `Decode` where not even the virtual channel can be told.
pub(super) fn read(outer: &Message, limits: &Limits) -> Result<(Uuid, Result<Message>)> {
    let frame: Frame<'_> = step::parse_borrowed(outer)?;
    let id = Uuid::try_parse(frame.channel_id).map_err(|error| step::unexpected(outer).caused_by(error))?;
    let inner = json::decode(frame.message.get().as_bytes(), limits);
    Ok((id, inner.and_then(|inner| deflate::inflated(inner, limits))))
}
