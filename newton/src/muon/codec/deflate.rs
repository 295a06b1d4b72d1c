//! Compressed payloads: `application/json+DEFLATE`, a zlib stream (RFC 1950).

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::Limits;
use crate::error::{Error, ErrorKind, Result};
use crate::muon::message::{ContentType, Message};

/// Payloads below this many bytes hardly shrink.
const WORTHWHILE: usize = 256;

/// Bytes as a zlib stream.
///
/// # Errors
/// `Internal`, which writing to memory never gives.
pub fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    let failed = |error| {
        Error::new(ErrorKind::Internal, "compress", "the payload cannot be compressed").caused_by(error)
    };
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 4 + 64), Compression::fast());
    encoder.write_all(bytes).map_err(failed)?;
    encoder.finish().map_err(failed)
}

/// The bytes of a zlib stream, at most `limit` of them.
///
/// # Errors
/// `TooLarge` over the limit, `Decode` for what is no whole zlib stream.
pub fn inflate(stream: &[u8], limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    ZlibDecoder::new(stream).take(most).read_to_end(&mut bytes).map_err(|error| {
        let message = "the payload says it is compressed and is no zlib stream; the sender is at fault";
        Error::new(ErrorKind::Decode, "inflate", message).with("bytes", stream.len()).caused_by(error)
    })?;
    if bytes.len() <= limit {
        return Ok(bytes);
    }
    let message =
        "the payload grows over the limit when it is inflated; raise `Limits::inflated` if it is meant to";
    Err(Error::new(ErrorKind::TooLarge, "inflate", message).with("bytes", stream.len()).with("limit", limit))
}

/// Compresses a JSON payload where it is worth it.
///
/// # Errors
/// As [`compress`].
pub fn compressed(message: Message) -> Result<Message> {
    if message.content_type != ContentType::Json || message.payload.len() < WORTHWHILE {
        return Ok(message);
    }
    let payload = compress(&message.payload)?.into();
    Ok(Message { payload, content_type: ContentType::JsonDeflate, ..message })
}

/// Inflates the payload of a message that says it is compressed.
///
/// # Errors
/// As [`inflate`].
pub fn inflated(message: Message, limits: &Limits) -> Result<Message> {
    if message.content_type != ContentType::JsonDeflate {
        return Ok(message);
    }
    let payload = inflate(&message.payload, limits.inflated)?.into();
    Ok(Message { payload, content_type: ContentType::Json, ..message })
}
