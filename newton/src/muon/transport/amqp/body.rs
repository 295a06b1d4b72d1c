//! What one message of the broker holds. In JSON that is one message of Muon, as the published libraries want it; in another
//! codec it is as many as go together, each with 4 bytes of its length in front.

use bytes::{Buf, BufMut, Bytes};

use crate::error::{Error, ErrorKind, Result};
use crate::muon::codec::{Codec, Json, Limits, Spoken};
use crate::muon::message::Message;

/// A body that is as long as this takes no more messages.
const FULL: usize = 64 * 1024;
/// Bytes of the length in front of a message.
const LENGTH: usize = size_of::<u32>();

/// Messages that go to the broker together.
pub(super) struct Body<'a> {
    codec: &'a dyn Codec,
    /// Whether there is room for more than one message.
    is_shared: bool,
    bytes: Vec<u8>,
}

/// The messages of a body that has arrived.
pub(super) struct Messages<'a> {
    codec: &'a dyn Codec,
    is_shared: bool,
    /// None once all is read. A body holds one message at least.
    rest: Option<Bytes>,
    limits: &'a Limits,
}

impl<'a> Body<'a> {
    /// An empty body, in what is spoken now.
    pub(super) fn new(spoken: &'a Spoken) -> Self {
        let better = spoken.better();
        Self { codec: better.unwrap_or(&Json), is_shared: better.is_some(), bytes: Vec::new() }
    }

    /// Adds a message.
    ///
    /// # Errors
    /// `TooLarge` for a message over the limit of a frame, which is not added.
    pub(super) fn add(&mut self, message: &Message, limits: &Limits) -> Result<()> {
        let start = self.bytes.len();
        self.bytes.put_bytes(0, if self.is_shared { LENGTH } else { 0 });
        let begin = self.bytes.len();
        self.codec.encode_into(&mut self.bytes, message);
        let length = self.bytes.len() - begin;
        let admitted = limits.admit_frame(length).and_then(|()| u32::try_from(length).map_err(|_| torn()));
        match admitted {
            Ok(length) if self.is_shared => self.bytes[start..begin].copy_from_slice(&length.to_be_bytes()),
            Ok(_) => {}
            Err(error) => {
                self.bytes.truncate(start);
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the next message needs another body.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= if self.is_shared { FULL } else { 1 }
    }

    pub(super) fn content_type(&self) -> &'static str {
        self.codec.content_type()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> Messages<'a> {
    /// Those of a body whose sender says what it is; what says nothing that is known is taken for JSON.
    pub(super) fn of(
        spoken: &'a Spoken,
        content_type: Option<&str>,
        body: Bytes,
        limits: &'a Limits,
    ) -> Self {
        let better = content_type.and_then(|name| spoken.heard(name));
        Self { codec: better.unwrap_or(&Json), is_shared: better.is_some(), rest: Some(body), limits }
    }

    fn cut(&mut self, mut rest: Bytes) -> Result<Bytes> {
        if !self.is_shared {
            return Ok(rest);
        }
        let length = rest.try_get_u32().ok().and_then(|length| usize::try_from(length).ok());
        let frame = rest.split_to(length.filter(|length| *length <= rest.len()).ok_or_else(torn)?);
        self.rest = Some(rest).filter(|rest| !rest.is_empty());
        Ok(frame)
    }
}

impl Iterator for Messages<'_> {
    type Item = Result<Message>;

    /// An error is the last one: what is behind it cannot be told.
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let message = self.cut(rest).and_then(|frame| self.codec.decode(&frame, self.limits));
        if message.is_err() {
            self.rest = None;
        }
        Some(message)
    }
}

fn torn() -> Error {
    let message = "a body is cut where a message goes on; the sender is at fault";
    Error::new(ErrorKind::Decode, "decode", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::muon::codec::Codecs;

    fn message(payload: &str) -> Message {
        Message::new("rpc", "request.made", payload.to_owned())
    }

    fn read(spoken: &Spoken, content_type: &str, body: &[u8], limits: &Limits) -> Result<Vec<Message>> {
        Messages::of(spoken, Some(content_type), Bytes::copy_from_slice(body), limits).collect()
    }

    #[test]
    fn json_takes_one_message_and_another_codec_as_many_as_go_together() {
        let limits = Limits::default();
        let sent = [message("1"), message(""), message("\"three\"")];
        let spoken = Spoken::to_known(Codecs::default());
        let mut body = Body::new(&spoken);
        assert!(body.is_empty());
        for message in &sent {
            body.add(message, &limits).unwrap();
        }
        assert!(!body.is_full());
        assert_eq!(read(&spoken, body.content_type(), body.bytes(), &limits).unwrap(), sent);

        let spoken = Spoken::to_known(Codecs::json());
        let mut body = Body::new(&spoken);
        body.add(&sent[0], &limits).unwrap();
        assert!(body.is_full());
        assert_eq!(read(&spoken, body.content_type(), body.bytes(), &limits).unwrap(), sent[..1]);
    }

    #[test]
    fn a_message_over_the_limit_leaves_those_before_it() {
        let limits = Limits { frame: 512, ..Limits::default() };
        let spoken = Spoken::to_known(Codecs::default());
        let mut body = Body::new(&spoken);
        body.add(&message("1"), &limits).unwrap();
        let error = body.add(&message(&"x".repeat(512)), &limits).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::TooLarge);
        assert_eq!(read(&spoken, body.content_type(), body.bytes(), &limits).unwrap().len(), 1);
    }

    #[test]
    fn an_empty_body_is_an_error() {
        let spoken = Spoken::to_known(Codecs::default());
        for content_type in ["application/json", "application/x-newton"] {
            let error = read(&spoken, content_type, b"", &Limits::default()).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Decode);
        }
    }

    #[test]
    fn a_torn_body_gives_what_is_whole_and_then_an_error() {
        let limits = Limits::default();
        let spoken = Spoken::to_known(Codecs::default());
        let mut body = Body::new(&spoken);
        body.add(&message("1"), &limits).unwrap();
        let whole = body.bytes().len();
        body.add(&message("2"), &limits).unwrap();
        for end in whole + 1..body.bytes().len() {
            let bytes = Bytes::copy_from_slice(&body.bytes()[..end]);
            let mut messages = Messages::of(&spoken, Some(body.content_type()), bytes, &limits);
            assert!(messages.next().unwrap().is_ok());
            assert!(messages.next().unwrap().is_err());
            assert!(messages.next().is_none());
        }
    }
}
