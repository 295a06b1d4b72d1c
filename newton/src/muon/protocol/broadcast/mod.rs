//! broadcast: fire and forget, to every instance of a service or of a tag. A protocol of Newton's own.
//!
//! - [`Notice`]: what is told; [`Audience`]: to whom; [`tell`]: the client, for one instance; [`BroadcastServer`]: who listens
//!
//! One closing message is all there is on a channel; nothing comes back, and a notice that cannot be delivered is lost.

mod client;
mod server;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

pub use client::tell;
pub use server::BroadcastServer;

/// The protocol, as messages name it.
pub const PROTOCOL: &str = "broadcast";

const NOTICE: &str = "broadcast.notice";

/// What is told to an audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about.
    pub subject: String,
    /// What there is to say.
    #[serde(default)]
    pub body: Value,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every instance of the service of this name.
    Service(String),
    /// Every instance of every service with this tag.
    Tag(String),
}

impl Notice {
    /// A notice about a subject.
    pub fn new(subject: &str, body: impl Into<Value>) -> Self {
        Self { subject: subject.to_owned(), body: body.into() }
    }

    /// The body as a value.
    ///
    /// # Errors
    /// `Decode` where it is not one.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.body).map_err(|error| {
            Error::new(ErrorKind::Decode, "broadcast", "the notice is not of the type it is read as")
                .with("subject", &self.subject)
                .caused_by(error)
        })
    }
}
