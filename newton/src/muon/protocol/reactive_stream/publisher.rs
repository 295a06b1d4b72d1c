//! One subscription at the server: items as far as credit reaches.

use std::collections::VecDeque;

use futures_util::StreamExt;

use super::super::step;
use super::{CANCELLED, COMPLETED, DATA, ERRORED, Failed, GRANT, Grant, Item, Items, PROTOCOL};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::{Receiver, Sender};
use crate::muon::message::{Message, Status};

/// Items that are taken from a stream at once, if they are ready.
const BATCH: usize = 64;

/// Sends items over a channel whose subscription was accepted, as many as the subscriber grants, until they end, fail or are
/// cancelled. It takes up to 64 items more than were granted, and then no more until it may send those.
///
/// # Errors
/// How the channel failed; `Decode` where the subscriber breaks the protocol.
pub async fn publish(sender: &Sender, receiver: &mut Receiver, items: Items) -> Result<()> {
    let mut items = items.ready_chunks(BATCH);
    let mut publication = Publication::default();
    loop {
        match publication.send(sender).await {
            Ok(false) => {}
            Ok(true) => return Ok(()),
            // A subscriber that closed the channel has cancelled.
            Err(error) if *error.kind() == ErrorKind::Closed => return Ok(()),
            Err(error) => return Err(error),
        }
        tokio::select! {
            biased;
            message = receiver.recv() => match message? {
                Some(message) if message.step == GRANT => publication.grant(&message)?,
                Some(message) if message.step == CANCELLED => return Ok(()),
                Some(message) => return Err(step::unexpected(&message)),
                None => return Ok(()),
            },
            batch = items.next(), if publication.ready.is_empty() => publication.take(batch),
        }
    }
}

/// How far a subscription is.
#[derive(Default)]
struct Publication {
    credit: u64,
    /// What is to be sent next; the end of the stream, which needs no credit, is the last of it.
    ready: VecDeque<Message>,
}

impl Publication {
    /// Sends what credit allows. Whether the end of the stream was among it.
    async fn send(&mut self, sender: &Sender) -> Result<bool> {
        let is_ended = self.ready.back().is_some_and(|last| last.step != DATA);
        let items = self.ready.len() - usize::from(is_ended);
        let granted = usize::try_from(self.credit).unwrap_or(usize::MAX).min(items);
        let kept = if granted == items { VecDeque::new() } else { self.ready.split_off(granted) };
        self.credit -= granted as u64;
        sender.send_many(std::mem::replace(&mut self.ready, kept)).await?;
        Ok(is_ended && self.ready.is_empty())
    }

    /// # Errors
    /// `Decode` for what is no grant.
    fn grant(&mut self, message: &Message) -> Result<()> {
        let Grant { request } = step::parse(message)?;
        if request == 0 {
            let text = "a subscriber granted 0 items; it has to be at least 1";
            return Err(Error::new(ErrorKind::Decode, "stream", text));
        }
        self.credit = self.credit.saturating_add(request);
        Ok(())
    }

    fn take(&mut self, batch: Option<Vec<Result<Item>>>) {
        let Some(batch) = batch else {
            self.ready.push_back(Message::new(PROTOCOL, COMPLETED, &b"{}"[..]).closing());
            return;
        };
        for item in batch {
            match item {
                Ok(item) => self.ready.push_back(Message::new(PROTOCOL, DATA, item)),
                // An error is the end: nothing that is behind it counts.
                Err(error) => return self.ready.push_back(errored(&error)),
            }
        }
    }
}

fn errored(error: &Error) -> Message {
    tracing::warn!(%error, "a stream ended with an error");
    let failed = Failed { error: error.to_string().into() };
    Message::new(PROTOCOL, ERRORED, step::json(&failed)).with_status(Status::Error).closing()
}
