//! The encoded content of an event, kept byte for byte.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::Name;
use crate::error::{Error, ErrorKind, Result};

/// The encoded content of an event: JSON text unless [`encoding`](Self::encoding) says otherwise.
///
/// Stores keep the bytes as they are. Cloning is cheap.
///
/// ```
/// use newton::Payload;
///
/// let payload = Payload::json(r#"{ "amount": 10 }"#)?;
/// assert_eq!(payload.as_bytes(), br#"{ "amount": 10 }"#);
/// assert!(Payload::json("{ amount: 10 }").is_err());
/// # Ok::<(), newton::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    bytes: Bytes,
    /// `None` for plain JSON, the usual case, so that a payload stays small.
    format: Option<Box<Format>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Format {
    encoding: Encoding,
    key_id: Option<Name>,
}

/// How the bytes of a payload are to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 JSON text.
    #[default]
    Json,
    /// Another encoding, by its content type.
    Other(Name),
}

impl Payload {
    /// A payload of JSON text, which must be well formed.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] where the text is not JSON.
    pub fn json(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        match serde_json::from_str::<&RawValue>(&text) {
            Ok(_) => Ok(Self::from_encoded(text.into_bytes())),
            Err(error) => {
                let message = "the payload is not well-formed JSON; encode it with a JSON library";
                Err(Error::new(ErrorKind::Decode, "encode payload", message).caused_by(error))
            }
        }
    }

    /// The JSON of a value.
    pub fn of(value: &impl Serialize) -> Result<Self> {
        serde_json::to_vec(value).map(Self::from_encoded).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "encode payload", "the value has no JSON form")
                .caused_by(error)
        })
    }

    /// JSON that is known to be well formed: it was just encoded, or comes back from a store.
    pub fn from_encoded(json: impl Into<Bytes>) -> Self {
        Self { bytes: json.into(), format: None }
    }

    /// Bytes in another encoding, and the id of the key they are encrypted with, if they are.
    pub fn in_format(bytes: impl Into<Bytes>, encoding: Encoding, key_id: Option<Name>) -> Self {
        let plain = encoding == Encoding::Json && key_id.is_none();
        let format = (!plain).then(|| Box::new(Format { encoding, key_id }));
        Self { bytes: bytes.into(), format }
    }

    /// The encoded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How the bytes are to be read.
    pub fn encoding(&self) -> &Encoding {
        self.format.as_ref().map_or(&Encoding::Json, |format| &format.encoding)
    }

    /// The id of the key the bytes are encrypted with, if they are.
    pub fn key_id(&self) -> Option<&Name> {
        self.format.as_ref().and_then(|format| format.key_id.as_ref())
    }

    /// The size in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
