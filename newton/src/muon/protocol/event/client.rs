//! The client's side of event.

use std::time::Duration;

use super::super::step;
use super::{EMITTED, Emit, PROCESSED, PROTOCOL, Processed};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::{ChannelEnd, timeout};
use crate::muon::message::Message;

/// Emits an event over a channel of its own, and waits up to `limit` for what becomes of it.
///
/// # Errors
/// `Unavailable` where the store did not answer in time: whether the event is stored is not known then, so emit it again under
/// the same id. How the channel failed. That the store refused the event is no error, but an answer.
pub async fn emit(channel: ChannelEnd, event: &Emit, limit: Duration) -> Result<Processed> {
    let mut channel = timeout(channel, limit);
    let sent =
        tokio::time::timeout(limit, channel.send(Message::new(PROTOCOL, EMITTED, step::json(event)))).await;
    sent.unwrap_or_else(|_| Err(late()))?;
    let answer = channel.recv().await;
    channel.close();
    match answer? {
        Some(answer) if answer.step == PROCESSED => step::parse(&answer),
        Some(answer) => Err(step::unexpected(&answer)),
        None => Err(step::closed_early()),
    }
}

fn late() -> Error {
    Error::new(ErrorKind::Unavailable, "emit", "the event could not be sent in time; try again")
}
