//! The payloads of rpc.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::step;
use super::{Request, Response};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::codec::{bytes as array, json};
use crate::muon::message::{ContentType, Message};

#[derive(Deserialize)]
struct RequestIn<'a> {
    url: String,
    #[serde(default)]
    auth: Option<Value>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    content_type: Option<String>,
}

#[derive(Deserialize)]
struct ResponseIn<'a> {
    #[serde(deserialize_with = "number_or_text")]
    status: u16,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    content_type: Option<String>,
}

/// A request that was not carried out, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Invalid {
    #[serde(deserialize_with = "number_or_text", serialize_with = "as_text")]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) message: String,
}

pub(super) fn write_request(request: &Request) -> Bytes {
    let mut out = Vec::with_capacity(128 + request.url.len() + request.body.len() * 4);
    out.extend_from_slice(br#"{"url":"#);
    json::write_text(&mut out, &request.url);
    if let Some(auth) = &request.auth {
        out.extend_from_slice(br#","auth":"#);
        out.extend_from_slice(&step::json(auth));
    }
    write_body(out, &request.body, &request.content_type)
}

pub(super) fn write_response(response: &Response) -> Bytes {
    let mut out = Vec::with_capacity(96 + response.body.len() * 4);
    out.extend_from_slice(br#"{"status":"#);
    out.extend_from_slice(response.status.to_string().as_bytes());
    write_body(out, &response.body, &response.content_type)
}

fn write_body(mut out: Vec<u8>, body: &[u8], content_type: &ContentType) -> Bytes {
    out.extend_from_slice(br#","content_type":"#);
    json::write_text(&mut out, content_type.as_str());
    out.extend_from_slice(br#","body":"#);
    array::write_array(&mut out, body);
    out.push(b'}');
    out.into()
}

pub(super) fn read_request(message: &Message) -> Result<Request> {
    let RequestIn { url, auth, body, content_type } = step::parse_borrowed(message)?;
    Ok(Request { url, origin: None, auth, body: read_body(body)?, content_type: read_type(content_type) })
}

pub(super) fn read_response(message: &Message) -> Result<Response> {
    let ResponseIn { status, body, content_type } = step::parse_borrowed(message)?;
    Ok(Response { status, body: read_body(body)?, content_type: read_type(content_type) })
}

fn read_body(body: Option<&RawValue>) -> Result<Bytes> {
    match body.map(RawValue::get) {
        None | Some("null") => Ok(Bytes::new()),
        Some(text) => array::read_array(text.as_bytes()).map(Into::into),
    }
}

fn read_type(content_type: Option<String>) -> ContentType {
    content_type.map_or(ContentType::Json, |text| ContentType::parse(&text))
}

impl Invalid {
    /// What a client is told of an error of a path.
    pub(super) fn of(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::Decode => 400,
            ErrorKind::Forbidden => 403,
            ErrorKind::NotFound | ErrorKind::Deleted => 404,
            ErrorKind::Conflict { .. }
            | ErrorKind::StateConflict { .. }
            | ErrorKind::ConditionFailed { .. } => 409,
            ErrorKind::TooLarge => 413,
            ErrorKind::Unsupported => 501,
            ErrorKind::Unavailable | ErrorKind::Closed => 503,
            _ => 500,
        };
        Self { status, message: error.to_string() }
    }

    /// The error that a caller gets.
    pub(super) fn into_error(self) -> Error {
        let kind = match self.status {
            401 | 403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            413 => ErrorKind::TooLarge,
            501 => ErrorKind::Unsupported,
            503 => ErrorKind::Unavailable,
            400..=499 => ErrorKind::InvalidInput,
            _ => ErrorKind::Internal,
        };
        let message = format!("the service refused the request: {}", self.message);
        Error::new(kind, "rpc", message).with("status", self.status)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn as_text<S: serde::Serializer>(status: &u16, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(status)
}

/// Peers write a status as a number or as text.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Status {
        Number(u16),
        Text(String),
    }
    match Status::deserialize(deserializer)? {
        Status::Number(status) => Ok(status),
        Status::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}
