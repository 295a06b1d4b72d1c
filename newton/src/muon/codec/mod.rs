//! Codecs: messages as bytes, and the limits of what is taken from others.
//!
//! - [`Codec`]: one form on the wire; [`negotiate`]: the one that a peer understands too
//! - [`json`]: the form that every peer understands; [`bytes`]: its arrays of bytes
//! - [`deflate`]: compressed payloads; [`Limits`]: how much is taken

pub mod bytes;
pub mod deflate;
pub mod json;
mod limits;

use std::fmt::Debug;
use std::sync::Arc;

use crate::error::Result;
use crate::muon::descriptor::Descriptor;
use crate::muon::message::Message;

pub use json::Json;
pub use limits::Limits;

/// One form of messages on the wire.
pub trait Codec: Debug + Send + Sync + 'static {
    /// Its name in the `codecs` of a descriptor.
    fn content_type(&self) -> &'static str;

    /// The bytes of a message.
    fn encode(&self, message: &Message) -> Vec<u8>;

    /// The message of bytes. Whatever the bytes are, it gives a message or an error.
    ///
    /// # Errors
    /// `TooLarge` over a limit, `Decode` for anything that is no message.
    fn decode(&self, frame: &[u8], limits: &Limits) -> Result<Message>;
}

/// The first of `own` that the peer understands; JSON if there is none, which every peer does.
pub fn negotiate(own: &[Arc<dyn Codec>], peer: &Descriptor) -> Arc<dyn Codec> {
    let common = own.iter().find(|codec| peer.codecs.iter().any(|name| name == codec.content_type()));
    common.cloned().unwrap_or_else(|| Arc::new(Json))
}
