//! The server of `newton-event`: all that a store can do, for the stores of other services.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Published;
use super::answer::{answer, encode};
use crate::domain::OrderId;
use crate::error::{Error, ErrorKind, Result};
use crate::muon::Message;
use crate::muon::channel::{ChannelEnd, Sender};
use crate::muon::protocol::{Outline, Peer, ServerStack, step};
use crate::store::Head;
use crate::store::muon::parts::{self, Joined};
use crate::store::muon::request::{HEAD_MOVED, REPLIED, REQUESTED, Request, SCHEME};

/// Requests of one channel that are worked on at a time; further ones wait in the channel.
const AT_A_TIME: usize = 256;

/// Serves `newton-event` out of published stores.
#[derive(Debug)]
pub(super) struct Requests(pub(super) Arc<Published>);

#[async_trait]
impl ServerStack for Requests {
    fn protocol(&self) -> &'static str {
        SCHEME
    }

    fn outline(&self) -> Outline {
        Outline::new(SCHEME, "Newton event store", "Everything an event store and its state store can do")
    }

    async fn serve(&self, channel: ChannelEnd, _: Peer) -> Result<()> {
        let (sender, mut receiver) = channel.split();
        let mut tasks = JoinSet::new();
        let slots = Arc::new(Semaphore::new(AT_A_TIME));
        let mut is_open = false;
        let mut joined = Joined::default();
        while let Some(message) = receiver.recv().await? {
            let Some(message) = joined.take(message)? else { continue };
            while tasks.try_join_next().is_some() {}
            let request = match parse(&message) {
                Ok(request) => request,
                Err(error) => {
                    tracing::warn!(%error, origin = &*message.origin_service, "a request cannot be read");
                    reply(&sender, &message, encode::<()>(&Err(error))).await?;
                    continue;
                }
            };
            if let Err(error) = self.admit(&request, is_open) {
                reply(&sender, &message, encode::<()>(&Err(error))).await?;
                continue;
            }
            if !is_open {
                is_open = true;
                tasks.spawn(follow(self.0.stores.events.head().await?, sender.clone()));
            }
            let Ok(slot) = slots.clone().acquire_owned().await else { break };
            let (published, sender) = (Arc::clone(&self.0), sender.clone());
            let is_append = matches!(request, Request::Append(_));
            let mut answer = Box::pin(async move { answer(&published.stores, request).await });
            // An app sends appends that build on each other without waiting: they get to the store in their order.
            let early = if is_append { (&mut answer).now_or_never() } else { None };
            tasks.spawn(async move {
                let bytes = match early {
                    Some(bytes) => bytes,
                    None => answer.await,
                };
                // A peer that went away needs no answer.
                let _ = reply(&sender, &message, bytes).await;
                drop(slot);
            });
        }
        Ok(())
    }
}

impl Requests {
    /// Whether the request may be made: the first one says who asks.
    fn admit(&self, request: &Request, is_open: bool) -> Result<()> {
        match request {
            Request::Open { token } => self.0.tokens.admit("open store", token.as_deref()),
            _ if is_open => Ok(()),
            other => {
                let message = "the channel was not opened; send `open` first";
                Err(Error::new(ErrorKind::Forbidden, other.operation(), message))
            }
        }
    }
}

fn parse(message: &Message) -> Result<Request> {
    if message.step == REQUESTED { step::parse(message) } else { Err(step::unexpected(message)) }
}

async fn reply(sender: &Sender, request: &Message, answer: Vec<u8>) -> Result<()> {
    parts::send(sender, request.answer(REPLIED, answer)).await
}

/// Tells each move of the head, the first one at once; moves that come faster than they are sent are told as one.
async fn follow(mut head: Head, sender: Sender) {
    let mut told = OrderId::START;
    while let Ok(order_id) = head.beyond(told).await {
        told = order_id;
        let Ok(payload) = serde_json::to_vec(&order_id) else { return };
        if sender.send(Message::new(SCHEME, HEAD_MOVED, Bytes::from(payload))).await.is_err() {
            return;
        }
    }
}
