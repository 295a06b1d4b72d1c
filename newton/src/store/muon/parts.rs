//! Messages in parts: a payload that is too long for one message of a transport travels in several of them, in order.
//!
//! All but the last have the step `Part`. They are told apart by what they belong to: the id of a request, or the request
//! that an answer names as its provenance.

use std::collections::HashMap;

use bytes::BytesMut;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};
use crate::muon::{Message, Sender};

const PART: &str = "Part";
/// The most bytes of a part. A transport may write each byte as a number in a text, twice over.
const PART_BYTES: usize = 1024 * 1024;
/// The most bytes that may wait for their last part on one channel.
const WAITING_BYTES: usize = 256 * 1024 * 1024;

/// Sends a message, in parts where it is long.
pub(crate) async fn send(sender: &Sender, mut message: Message) -> Result<()> {
    while message.payload.len() > PART_BYTES {
        let payload = message.payload.split_to(PART_BYTES);
        sender.send(Message { step: PART.into(), payload, ..message.clone() }).await?;
    }
    sender.send(message).await
}

/// Puts messages together again.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    waiting: HashMap<Uuid, BytesMut>,
    bytes: usize,
}

impl Joined {
    /// The whole message, once its last part is there.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] where the peer sends parts without end.
    pub(crate) fn take(&mut self, mut message: Message) -> Result<Option<Message>> {
        let key = message.provenance_id.unwrap_or(message.id);
        if message.step == PART {
            self.bytes += message.payload.len();
            if self.bytes > WAITING_BYTES {
                let text = format!("more than {WAITING_BYTES} bytes wait for their last part");
                return Err(Error::new(ErrorKind::TooLarge, "receive", text));
            }
            self.waiting.entry(key).or_default().extend_from_slice(&message.payload);
            return Ok(None);
        }
        if let Some(mut whole) = self.waiting.remove(&key) {
            self.bytes -= whole.len();
            whole.extend_from_slice(&message.payload);
            message.payload = whole.freeze();
        }
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::muon::channel;

    #[tokio::test]
    async fn long_messages_arrive_whole_among_short_ones() {
        let (here, mut there) = channel::pair(64);
        let payload: Vec<u8> = std::iter::repeat_n(0..251_u8, PART_BYTES / 80).flatten().collect();
        let long = Message::new("newton-event", "Requested", payload.clone());
        let answer = long.answer("Replied", payload.clone());
        let short = Message::new("newton-event", "Requested", "{}");
        for message in [&long, &short, &answer] {
            send(here.sender(), message.clone()).await.unwrap();
        }
        here.close();
        let (mut joined, mut whole) = (Joined::default(), Vec::new());
        while let Some(message) = there.recv().await.unwrap() {
            whole.extend(joined.take(message).unwrap());
        }
        assert_eq!(whole, [long, short, answer]);
        assert_eq!(joined.bytes, 0);
    }

    #[test]
    fn parts_without_end_are_refused() {
        let mut joined = Joined::default();
        let part = Message::new("newton-event", PART, vec![0; 64 * PART_BYTES]);
        let outcomes: Vec<_> = (0..5).map(|_| joined.take(part.clone()).is_ok()).collect();
        assert_eq!(outcomes, [true, true, true, true, false]);
    }
}
