//! Messages as bytes: a short head, and the payload as it is. JSON writes each byte of a payload as a number in a text.
//!
//! In this order, numbers as big endians:
//!
//! - 1 byte of [flags](#flags): what is there of that which can be left out
//! - `id`: 16 bytes; `created`: 8 bytes; `provenance_id`, if it is there: 16 bytes
//! - the texts, each 4 bytes of its length and UTF-8: `origin_service`, `protocol`, `step`, `content_type`, and those of
//!   `target_service`, `target_service_instance` and `event_source` that are there
//! - the payload: all that is left
//!
//! # Flags
//! From the lowest bit: the channel closes; `target_service`, `target_service_instance`, `provenance_id`, `event_source` are
//! there; two bits of the status: none, success, failure, error. The highest bit is 0.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use uuid::Uuid;

use super::{Codec, Limits, long_enough};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::message::{ChannelOp, ContentType, Message, Status};

/// The form that Newton's services speak with each other.
///
/// ```
/// use newton::muon::codec::{Binary, Codec};
/// use newton::muon::{Limits, Message};
///
/// let message = Message::new("rpc", "request.made", &b"{}"[..]);
/// let mut frame = Vec::new();
/// Binary.encode_into(&mut frame, &message);
/// assert!(frame.ends_with(b"{}"));
/// assert_eq!(Binary.decode(&frame.into(), &Limits::default()).unwrap(), message);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Binary;

const CLOSES: u8 = 1;
const TARGET: u8 = 1 << 1;
const INSTANCE: u8 = 1 << 2;
const PROVENANCE: u8 = 1 << 3;
const SOURCE: u8 = 1 << 4;
const STATUS: u32 = 5;
const UNKNOWN: u8 = 1 << 7;
/// By their two bits.
const STATUSES: [Option<Status>; 4] =
    [None, Some(Status::Success), Some(Status::Failure), Some(Status::Error)];

impl Codec for Binary {
    fn content_type(&self) -> &'static str {
        "application/x-newton"
    }

    fn encode_into(&self, out: &mut Vec<u8>, message: &Message) {
        out.reserve(160 + message.payload.len());
        out.put_u8(flags(message));
        out.put_slice(message.id.as_bytes());
        out.put_u64(message.created);
        if let Some(provenance) = &message.provenance_id {
            out.put_slice(provenance.as_bytes());
        }
        let texts =
            [&*message.origin_service, &message.protocol, &message.step, message.content_type.as_str()];
        let options = [&message.target_service, &message.target_service_instance, &message.event_source];
        for text in texts.into_iter().chain(options.into_iter().filter_map(Option::as_deref)) {
            // Over the limit of a frame long before.
            out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
            out.put_slice(text.as_bytes());
        }
        out.put_slice(&message.payload);
    }

    fn decode(&self, frame: &Bytes, limits: &Limits) -> Result<Message> {
        limits.admit_frame(frame.len())?;
        let mut head = Head(frame);
        let flags = head.flags()?;
        let has = |flag: u8| flags & flag != 0;
        let (id, created) = (head.id()?, head.0.try_get_u64().map_err(|_| cut())?);
        let provenance_id = has(PROVENANCE).then(|| head.id()).transpose()?;
        let origin_service = long_enough("origin_service", head.text()?)?.into();
        let protocol = head.text()?.to_owned().into();
        let step = long_enough("step", head.text()?)?.to_owned().into();
        let content_type = ContentType::parse(head.text()?);
        let target_service = head.text_if(has(TARGET))?;
        let target_service_instance = head.text_if(has(INSTANCE))?;
        let event_source = head.text_if(has(SOURCE))?;
        Ok(Message {
            id,
            created,
            target_service,
            target_service_instance,
            origin_service,
            protocol,
            step,
            status: STATUSES[usize::from(flags >> STATUS & 3)],
            provenance_id,
            content_type,
            payload: frame.slice(frame.len() - head.0.len()..),
            channel_op: if has(CLOSES) { ChannelOp::Closed } else { ChannelOp::Normal },
            event_source,
        })
    }
}

fn flags(message: &Message) -> u8 {
    let status = match message.status {
        None => 0,
        Some(Status::Success) => 1,
        Some(Status::Failure) => 2,
        Some(Status::Error) => 3,
    };
    let there = [
        (message.is_closing(), CLOSES),
        (message.target_service.is_some(), TARGET),
        (message.target_service_instance.is_some(), INSTANCE),
        (message.provenance_id.is_some(), PROVENANCE),
        (message.event_source.is_some(), SOURCE),
    ];
    there
        .into_iter()
        .filter(|(is_there, _)| *is_there)
        .fold(status << STATUS, |flags, (_, flag)| flags | flag)
}

/// What of a frame is not read yet.
struct Head<'a>(&'a [u8]);

impl<'a> Head<'a> {
    fn flags(&mut self) -> Result<u8> {
        match self.0.try_get_u8().map_err(|_| cut())? {
            flags if flags & UNKNOWN == 0 => Ok(flags),
            _ => Err(no_message("a message starts with what is none of its flags")),
        }
    }

    fn id(&mut self) -> Result<Uuid> {
        self.0.try_get_u128().map(Uuid::from_u128).map_err(|_| cut())
    }

    fn text(&mut self) -> Result<&'a str> {
        let length = self.0.try_get_u32().map_err(|_| cut())?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (text, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        std::str::from_utf8(text)
            .map_err(|error| no_message("a text of a message is no UTF-8").caused_by(error))
    }

    fn text_if(&mut self, is_there: bool) -> Result<Option<Arc<str>>> {
        is_there.then(|| self.text().map(Arc::from)).transpose()
    }
}

fn cut() -> Error {
    no_message("a message ends before all of it was there")
}

fn no_message(what: &str) -> Error {
    let message = format!("{what}; the sender is at fault, or is of another version of Newton");
    Error::new(ErrorKind::Decode, "decode", message)
}
