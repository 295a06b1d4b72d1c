//! The teller's side of broadcast.

use super::super::step;
use super::{NOTICE, Notice, PROTOCOL};
use crate::error::Result;
use crate::muon::channel::ChannelEnd;
use crate::muon::message::Message;

/// Tells one instance, over a channel of its own. That it was told says nothing of what it does with it.
///
/// # Errors
/// How the channel failed.
pub async fn tell(channel: &ChannelEnd, notice: &Notice) -> Result<()> {
    channel.send(Message::new(PROTOCOL, NOTICE, step::json(notice)).closing()).await
}
