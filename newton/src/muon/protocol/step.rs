//! What the stacks share about steps and payloads.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::Ending;
use crate::muon::message::{Message, Status};

/// The protocol of the channels themselves.
pub const MUON: &str = "muon";
/// Says that a peer is there.
const KEEP_ALIVE: &str = "keep-alive";
/// Ends a channel in good order.
const SHUTDOWN: &str = "ChannelShutdown";
/// Ends a channel with an error.
const FAILURE: &str = "ChannelFailure";

/// The message that says that this side is there.
pub fn keep_alive() -> Message {
    Message::new(MUON, KEEP_ALIVE, &b"{}"[..])
}

/// Whether a message only says that its sender is there.
pub fn is_keep_alive(message: &Message) -> bool {
    message.step == KEEP_ALIVE && message.protocol == MUON
}

/// The message that tells a peer how a channel ended.
pub fn farewell(ending: &Ending) -> Message {
    match ending {
        Ending::Closed => Message::new(MUON, SHUTDOWN, &b"{}"[..]).closing(),
        Ending::Failed(error) => {
            Message::new(MUON, FAILURE, json(&serde_json::json!({ "error": error.to_string() })))
                .with_status(Status::Error)
                .closing()
        }
    }
}

/// How a channel ended, if this message tells just that.
pub fn ending(message: &Message) -> Option<Ending> {
    match &*message.step {
        SHUTDOWN if message.is_closing() => Some(Ending::Closed),
        SHUTDOWN | FAILURE => Some(Ending::Failed(Arc::new(told(message)))),
        _ => None,
    }
}

fn told(message: &Message) -> Error {
    #[derive(Deserialize)]
    struct Told {
        error: String,
    }
    let error = Error::new(
        ErrorKind::Unavailable,
        "receive",
        "the peer's side of the channel has failed; open another one",
    );
    match serde_json::from_slice::<Told>(&message.payload) {
        Ok(Told { error: text }) => error.with("peer says", text),
        Err(_) => error,
    }
}

/// A value as a JSON payload. What cannot be written as JSON becomes `null`, which no payload of Muon's is.
pub fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec()).into()
}

/// The value of a JSON payload.
///
/// # Errors
/// `Decode` for anything else.
pub fn parse<T: DeserializeOwned>(message: &Message) -> Result<T> {
    parse_borrowed(message)
}

/// The same for a value that borrows from the message.
///
/// # Errors
/// As [`parse`].
pub fn parse_borrowed<'a, T: Deserialize<'a>>(message: &'a Message) -> Result<T> {
    serde_json::from_slice(&message.payload).map_err(|error| {
        let text = "the payload of a message is not what its step asks for; the sender is at fault";
        Error::new(ErrorKind::Decode, "decode", text)
            .with("protocol", &message.protocol)
            .with("step", &message.step)
            .caused_by(error)
    })
}

/// The error for a step that has no place where it arrived.
pub fn unexpected(message: &Message) -> Error {
    Error::new(ErrorKind::Decode, "receive", "the peer sent a step that has no place here; it is at fault")
        .with("protocol", &message.protocol)
        .with("step", &message.step)
}

/// The error for a channel that was closed before what was asked for had come.
pub fn closed_early() -> Error {
    Error::new(ErrorKind::Unavailable, "receive", "the peer closed the channel before it answered; try again")
}
