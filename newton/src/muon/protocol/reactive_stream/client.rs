//! The subscriber's side of reactive-stream.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use super::super::step;
use super::{ACK, COMPLETED, DATA, ERRORED, Failed, GRANT, Grant, Item, NACK, PROTOCOL, Request, SUBSCRIBE};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::ChannelEnd;
use crate::muon::message::Message;
use crate::muon::protocol::reactive_stream::CANCELLED;

/// A stream that a service has accepted. Dropping it cancels the stream.
#[derive(Debug)]
pub struct Subscription {
    channel: ChannelEnd,
    stream: String,
    /// How many items may be on their way.
    window: u64,
    /// How many of them the server may still send.
    granted: u64,
    arrived: VecDeque<Message>,
    is_ended: bool,
}

/// Subscribes over a channel of its own. Up to `window` items are on their way at any time, at least 1. The service has up to `limit`
/// to accept.
///
/// # Errors
/// `NotFound` where the service refuses, `Unavailable` where it does not answer in time; how the channel failed.
pub async fn subscribe(
    mut channel: ChannelEnd,
    request: &Request,
    window: u64,
    limit: Duration,
) -> Result<Subscription> {
    let answer = tokio::time::timeout(limit, async {
        channel.send(Message::new(PROTOCOL, SUBSCRIBE, step::json(request))).await?;
        channel.recv().await
    });
    let late = |_| {
        Err(Error::new(ErrorKind::Unavailable, "subscribe", "the service did not answer in time; try again"))
    };
    let named = |error: Error| error.with("stream", &request.stream_name);
    let answer = answer.await.unwrap_or_else(late).map_err(named)?;
    let answer = answer.ok_or_else(|| named(step::closed_early()))?;
    match &*answer.step {
        ACK => {}
        NACK => return Err(named(refused(&answer))),
        _ => return Err(named(step::unexpected(&answer))),
    }
    let (window, stream) = (window.max(1), request.stream_name.clone());
    let mut subscription =
        Subscription { channel, stream, window, granted: 0, arrived: VecDeque::new(), is_ended: false };
    subscription.grant().await;
    Ok(subscription)
}

fn refused(answer: &Message) -> Error {
    let error = Error::new(
        ErrorKind::NotFound,
        "subscribe",
        "the service refuses the subscription; check the stream's name and arguments",
    );
    match step::parse::<Failed>(answer) {
        Ok(Failed { error: Value::String(text) }) => error.with("peer says", text),
        _ => error,
    }
}

impl Subscription {
    /// Messages that are taken from the channel at once.
    const BATCH: usize = 256;

    /// The next item; none once the stream is complete. It is cancel-safe.
    ///
    /// # Errors
    /// What the service says went wrong; how the channel failed; `Decode` where the service breaks the protocol, by more items than
    /// granted above all.
    pub async fn next(&mut self) -> Result<Option<Item>> {
        loop {
            if self.is_ended {
                return Ok(None);
            }
            if let Some(message) = self.arrived.pop_front() {
                return self.take(message);
            }
            self.fill().await?;
        }
    }

    /// Waits for an item, and appends it and those behind it that have already arrived, up to `limit`. Returns how many; 0 once the
    /// stream is complete. It is cancel-safe.
    ///
    /// # Errors
    /// As [`next`](Self::next), once all items before are returned.
    pub async fn next_many(&mut self, items: &mut Vec<Item>, limit: usize) -> Result<usize> {
        let before = items.len();
        while !self.is_ended && items.len() - before < limit {
            let is_first = items.len() == before;
            match self.arrived.pop_front_if(|next| is_first || next.step == DATA) {
                Some(message) => items.extend(self.take(message)?),
                None if is_first => self.fill().await?,
                None => break,
            }
        }
        Ok(items.len() - before)
    }

    /// Cancels the stream. Dropping does the same.
    pub fn cancel(self) {}

    /// Waits for messages, after credit was given for what was taken.
    async fn fill(&mut self) -> Result<()> {
        if self.granted <= self.window / 2 {
            self.grant().await;
        }
        let mut messages = Vec::from(std::mem::take(&mut self.arrived));
        let received = self.channel.recv_many(&mut messages, Self::BATCH).await;
        self.arrived = messages.into();
        match received {
            Ok(0) => {
                self.is_ended = true;
                Err(step::closed_early().with("stream", &self.stream))
            }
            Ok(_) => Ok(()),
            Err(error) => {
                self.is_ended = true;
                Err(error.with("stream", &self.stream))
            }
        }
    }

    /// A channel that has ended is no error here: what the service sent before, its end above all, is still to be read.
    async fn grant(&mut self) {
        let request = self.window - self.granted;
        let grant = Message::new(PROTOCOL, GRANT, step::json(&Grant { request }));
        if self.channel.send(grant).await.is_ok() {
            self.granted = self.window;
        }
    }

    fn take(&mut self, message: Message) -> Result<Option<Item>> {
        match &*message.step {
            DATA => match self.granted.checked_sub(1) {
                Some(granted) => {
                    self.granted = granted;
                    return Ok(Some(message.payload));
                }
                None => Err(self.broken(beyond_credit())),
            },
            COMPLETED => {
                self.channel.close();
                Ok(None)
            }
            ERRORED => {
                self.channel.close();
                Err(errored(&message))
            }
            _ => Err(self.broken(step::unexpected(&message))),
        }
        .inspect(|_| self.is_ended = true)
        .map_err(|error| {
            self.is_ended = true;
            error.with("stream", &self.stream)
        })
    }

    /// Tells the service that it broke the protocol.
    fn broken(&self, error: Error) -> Error {
        self.channel.fail(error.duplicate());
        error
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.is_ended {
            return;
        }
        // Where there is no room, closing alone says the same.
        let _ = self.channel.sender().try_send(Message::new(PROTOCOL, CANCELLED, &b"{}"[..]));
        self.channel.close();
    }
}

fn beyond_credit() -> Error {
    Error::new(ErrorKind::Decode, "stream", "the service sent more items than were granted; it is at fault")
}

fn errored(message: &Message) -> Error {
    let error = Error::new(ErrorKind::Unavailable, "stream", "the service ended the stream with an error");
    match step::parse::<Failed>(message) {
        Ok(Failed { error: Value::String(text) }) => error.with("peer says", text),
        Ok(Failed { error: other }) => error.with("peer says", other),
        Err(_) => error,
    }
}
