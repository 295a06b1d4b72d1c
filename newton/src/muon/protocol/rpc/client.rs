//! The client's side of rpc.

use std::time::Duration;

use super::super::step;
use super::wire::{self, Invalid};
use super::{INVALID, PROTOCOL, REQUEST, RESPONSE, Request, Response};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::{ChannelEnd, timeout};
use crate::muon::message::Message;

/// Asks over a channel of its own, and waits up to `limit` for the response. It is cancel-safe: giving up closes the channel.
///
/// # Errors
/// `NotFound` where the service has no such path, `InvalidInput` where it refuses what was asked, `Unavailable` where it did not
/// answer in time; how the channel failed.
pub async fn call(channel: ChannelEnd, request: &Request, limit: Duration) -> Result<Response> {
    let mut channel = timeout(channel, limit);
    let sent = channel.send(Message::new(PROTOCOL, REQUEST, wire::write_request(request)));
    let sent = tokio::time::timeout(limit, sent).await;
    sent.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Unavailable, "rpc", "the request could not be sent in time"))
    })?;
    let answer = channel.recv().await;
    channel.close();
    let Some(answer) = answer.map_err(|error| error.with("url", &request.url))? else {
        return Err(step::closed_early().with("url", &request.url));
    };
    match &*answer.step {
        RESPONSE => wire::read_response(&answer),
        INVALID => Err(step::parse::<Invalid>(&answer)?.into_error().with("url", &request.url)),
        _ => Err(step::unexpected(&answer)),
    }
}
