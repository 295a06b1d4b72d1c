//! The client's side of introspect.

use std::time::Duration;

use super::super::step;
use super::{Introspection, PROTOCOL, REQUESTED, RESPONSE};
use crate::error::Result;
use crate::muon::channel::{ChannelEnd, timeout};
use crate::muon::message::Message;

/// Asks a service what it offers, over a channel of its own, and waits up to `limit` for the answer.
///
/// # Errors
/// `Unavailable` where it did not answer in time, `Decode` where the answer is none; how the channel failed.
pub async fn introspect(channel: ChannelEnd, limit: Duration) -> Result<Introspection> {
    let mut channel = timeout(channel, limit);
    channel.send(Message::new(PROTOCOL, REQUESTED, &b"{}"[..])).await?;
    let answer = channel.recv().await;
    channel.close();
    let answer = answer?.ok_or_else(step::closed_early)?;
    if answer.step == RESPONSE { step::parse(&answer) } else { Err(step::unexpected(&answer)) }
}
