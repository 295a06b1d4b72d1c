//! One subscription at the server: items as far as credit reaches.

use futures_util::StreamExt;

use super::super::step;
use super::{CANCELLED, COMPLETED, DATA, ERRORED, Failed, GRANT, Grant, Item, Items, PROTOCOL};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::{Receiver, Sender};
use crate::muon::message::{Message, Status};

/// Sends items over a channel whose subscription was accepted, as many as the subscriber grants, until they end, fail or are
/// cancelled.
///
/// # Errors
/// How the channel failed; `Decode` where the subscriber breaks the protocol.
pub async fn publish(sender: &Sender, receiver: &mut Receiver, mut items: Items) -> Result<()> {
    let mut credit: u64 = 0;
    // The next message, which may be the end of the stream: that needs no credit.
    let mut ready: Option<Message> = None;
    loop {
        if let Some(message) = ready.take_if(|message| credit > 0 || message.step != DATA) {
            let is_last = message.step != DATA;
            credit = credit.saturating_sub(1);
            match sender.send(message).await {
                Ok(()) if is_last => return Ok(()),
                Ok(()) => {}
                // A subscriber that closed the channel has cancelled.
                Err(error) if *error.kind() == ErrorKind::Closed => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        tokio::select! {
            biased;
            message = receiver.recv() => match message? {
                Some(message) if message.step == GRANT => credit = credit.saturating_add(granted(&message)?),
                Some(message) if message.step == CANCELLED => return Ok(()),
                Some(message) => return Err(step::unexpected(&message)),
                None => return Ok(()),
            },
            item = items.next(), if ready.is_none() => ready = Some(last_or_data(item)),
        }
    }
}

fn last_or_data(item: Option<Result<Item>>) -> Message {
    match item {
        Some(Ok(item)) => Message::new(PROTOCOL, DATA, item),
        Some(Err(error)) => {
            tracing::warn!(%error, "a stream ended with an error");
            let failed = Failed { error: error.to_string().into() };
            Message::new(PROTOCOL, ERRORED, step::json(&failed)).with_status(Status::Error).closing()
        }
        None => Message::new(PROTOCOL, COMPLETED, &b"{}"[..]).closing(),
    }
}

fn granted(message: &Message) -> Result<u64> {
    match step::parse(message)? {
        Grant { request: 0 } => Err(Error::new(
            ErrorKind::Decode,
            "stream",
            "a subscriber granted 0 items; it has to be at least 1",
        )),
        Grant { request } => Ok(request),
    }
}
