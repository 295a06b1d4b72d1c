//! rpc: a request to a path, and a response to it.
//!
//! - [`Request`], [`Response`]: what is asked and answered; `wire`: their form
//! - [`call`]: the client; [`RpcServer`]: the paths that a service answers

mod client;
mod server;
mod wire;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::step;
use crate::error::{Error, ErrorKind, Result};
use crate::muon::message::ContentType;
use crate::muon::secret::hidden;

pub use client::call;
pub use server::RpcServer;

/// The protocol, as messages name it.
pub const PROTOCOL: &str = "rpc";

const REQUEST: &str = "request.made";
const RESPONSE: &str = "request.response";
const INVALID: &str = "request.invalid";

/// What is asked of a service.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// Where: `rpc://{service}/{path}`.
    pub url: String,
    /// The service that asks, as it says itself; nobody has verified it. Only a server gets to see it.
    pub origin: Option<Arc<str>>,
    /// What shows who asks, in a form the service knows.
    pub auth: Option<Value>,
    /// What is asked.
    pub body: Bytes,
    /// How `body` is encoded.
    pub content_type: ContentType,
}

/// What a service answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// How it went, as in HTTP; 200 is well.
    pub status: u16,
    /// The answer.
    pub body: Bytes,
    /// How `body` is encoded.
    pub content_type: ContentType,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &self.url)
            .field("origin", &self.origin)
            .field("auth", &hidden(self.auth.as_ref()))
            .field("body", &self.body)
            .field("content_type", &self.content_type)
            .finish()
    }
}

impl Request {
    /// A request to a path of a service, with an empty JSON object.
    pub fn new(service: &str, path: &str) -> Self {
        let url = format!("rpc://{service}/{}", path.trim_start_matches('/'));
        Self {
            url,
            origin: None,
            auth: None,
            body: Bytes::from_static(b"{}"),
            content_type: ContentType::Json,
        }
    }

    /// Asks with a value as JSON.
    #[must_use]
    pub fn with_json(self, body: &impl Serialize) -> Self {
        Self { body: step::json(body), content_type: ContentType::Json, ..self }
    }

    /// Shows who asks.
    #[must_use]
    pub fn with_auth(self, auth: impl Into<Value>) -> Self {
        Self { auth: Some(auth.into()), ..self }
    }

    /// The path, which starts with `/`, without what stands behind a `?`.
    pub fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or(&*self.url, |(_, rest)| rest);
        let path = rest.find('/').map_or("/", |start| &rest[start..]);
        path.split(['?', '#']).next().unwrap_or(path)
    }

    /// The body as a value.
    ///
    /// # Errors
    /// `InvalidInput` where it is not one, which a server answers with 400.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!("the body is not what this path asks for: {error}");
            Error::new(ErrorKind::InvalidInput, "rpc", message).with("path", self.path())
        })
    }
}

impl Response {
    /// It went well, and this is the answer.
    pub fn json(body: &impl Serialize) -> Self {
        Self { status: 200, body: step::json(body), content_type: ContentType::Json }
    }

    /// The answer as a value.
    ///
    /// # Errors
    /// `Decode` where it is not one.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::new(ErrorKind::Decode, "rpc", "the answer is not of the type it is read as")
                .with("status", self.status)
                .caused_by(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_not_shown() {
        let request = Request::new("bank", "/pay").with_auth("open sesame");
        let shown = format!("{request:?}");
        assert!(shown.contains(r#"auth: Some("..")"#) && !shown.contains("sesame"), "{shown}");
    }
}
