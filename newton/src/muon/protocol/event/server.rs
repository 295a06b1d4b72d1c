//! The server's side of event.

use std::fmt::Debug;

use async_trait::async_trait;

use super::super::{Outline, Peer, ServerStack, step};
use super::{EMITTED, Emit, PROCESSED, PROTOCOL, Processed};
use crate::error::Result;
use crate::muon::channel::ChannelEnd;
use crate::muon::message::{Message, Status};

/// Stores events that are emitted.
#[async_trait]
pub trait Sink: Debug + Send + Sync + 'static {
    /// Stores an event that a service emits, and says where and when.
    ///
    /// # Errors
    /// Why it is not stored; the service is told.
    async fn store(&self, event: Emit, origin: &str) -> Result<Processed>;
}

/// Serves `event` in front of a sink: one event for each channel.
#[derive(Debug)]
pub struct EventServer<S>(S);

impl<S: Sink> EventServer<S> {
    /// A server in front of a sink.
    pub fn new(sink: S) -> Self {
        Self(sink)
    }

    async fn store(&self, message: &Message) -> Result<Processed> {
        if message.step != EMITTED {
            return Err(step::unexpected(message));
        }
        self.0.store(step::parse(message)?, &message.origin_service).await
    }
}

#[async_trait]
impl<S: Sink> ServerStack for EventServer<S> {
    fn protocol(&self) -> &'static str {
        PROTOCOL
    }

    fn outline(&self) -> Outline {
        Outline::new(PROTOCOL, "Events", "Stores events; each is answered by its place in the store")
    }

    /// Events that a client emits without waiting in between are stored in that order.
    fn keeps_order(&self) -> bool {
        true
    }

    /// The published clients never close the channel of an event, so that the answer has to.
    async fn serve(&self, mut channel: ChannelEnd, _: Peer) -> Result<()> {
        let Some(message) = channel.recv().await? else { return Ok(()) };
        let (processed, status) = match self.store(&message).await {
            Ok(processed) => (processed, Status::Success),
            Err(error) => {
                tracing::warn!(origin = %message.origin_service, %error, "an event was not stored");
                (Processed::Failed { cause: error.to_string() }, Status::Failure)
            }
        };
        channel.send(message.answer(PROCESSED, step::json(&processed)).with_status(status).closing()).await
    }
}
