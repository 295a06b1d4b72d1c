//! Codecs: messages as bytes, and the limits of what is taken from others.
//!
//! - [`Codec`]: one form on the wire; [`Codecs`]: those that are understood; `negotiate`: which is spoken with whom
//! - [`json`]: the form that every peer understands; [`bytes`]: its arrays of bytes
//! - [`Binary`]: the form between Newton's services
//! - [`deflate`]: compressed payloads; [`Limits`]: how much is taken

mod binary;
pub mod bytes;
pub mod deflate;
pub mod json;
mod limits;
mod negotiate;

use std::fmt::Debug;

use ::bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::muon::message::{Message, NO_SERVICE};

pub use binary::Binary;
pub use json::Json;
pub use limits::Limits;
pub use negotiate::Codecs;
pub(in crate::muon) use negotiate::Spoken;

/// One form of messages on the wire.
pub trait Codec: Debug + Send + Sync + 'static {
    /// Its name in the `codecs` of a descriptor.
    fn content_type(&self) -> &'static str;

    /// Appends the bytes of a message.
    fn encode_into(&self, out: &mut Vec<u8>, message: &Message);

    /// The message of bytes. Whatever the bytes are, it gives a message or an error.
    ///
    /// # Errors
    /// `TooLarge` over a limit, `Decode` for anything that is no message.
    fn decode(&self, frame: &Bytes, limits: &Limits) -> Result<Message>;
}

/// The fewest characters of a step, and of the name of a service.
const SHORTEST: usize = 3;

fn long_enough<T: AsRef<str>>(field: &'static str, text: T) -> Result<T> {
    let characters = text.as_ref();
    let is_long_enough = characters == NO_SERVICE || characters.chars().take(SHORTEST).count() == SHORTEST;
    if is_long_enough { Ok(text) } else { Err(refused(field, "has fewer than 3 characters")) }
}

fn refused(field: &'static str, why: &str) -> Error {
    let message = format!("the field `{field}` of a message {why}; the sender is at fault");
    Error::new(ErrorKind::Decode, "decode", message)
}
