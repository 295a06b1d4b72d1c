//! Submitting to the stages of another service.

use serde::Serialize;

use super::super::step;
use super::{ACCEPTED, PROTOCOL, REFUSED, Refused, SUBMIT, Submitted};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::ChannelEnd;
use crate::muon::message::Message;

/// Submits to the stages of a service, over a channel of its own. Several of them submit at the same time.
#[derive(Debug)]
pub struct SedaClient {
    channel: ChannelEnd,
}

impl SedaClient {
    /// Submits over this channel.
    pub fn new(channel: ChannelEnd) -> Self {
        Self { channel }
    }

    /// Submits an item, and returns once the stage has taken it in; a full stage makes this wait. Giving up leaves it open whether the
    /// item was taken.
    ///
    /// # Errors
    /// `NotFound` where the service has no such stage or refuses the item; how the channel failed.
    pub async fn submit(&mut self, stage: &str, item: &impl Serialize) -> Result<()> {
        let item = serde_json::to_value(item).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "submit", "the item cannot be written as JSON")
                .caused_by(error)
        })?;
        let submitted = step::json(&Submitted { stage: stage.to_owned(), item });
        let message = Message::new(PROTOCOL, SUBMIT, submitted);
        let id = message.id;
        self.channel.send(message).await?;
        loop {
            let answer = self.channel.recv().await?.ok_or_else(step::closed_early)?;
            // Others are for items that nobody waited for any more.
            if answer.provenance_id == Some(id) {
                return told(stage, &answer);
            }
        }
    }
}

fn told(stage: &str, answer: &Message) -> Result<()> {
    match &*answer.step {
        ACCEPTED => Ok(()),
        REFUSED => {
            let Refused { error } = step::parse(answer)?;
            let message = format!("the service refuses the item: {error}");
            Err(Error::new(ErrorKind::NotFound, "submit", message).with("stage", stage))
        }
        _ => Err(step::unexpected(answer)),
    }
}

impl Drop for SedaClient {
    fn drop(&mut self) {
        self.channel.close();
    }
}
