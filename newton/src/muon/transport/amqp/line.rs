//! One channel over a broker: what is sent goes to the peer's queue, what is in the own queue arrives.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Consumer};
use tokio::task::yield_now;

use super::body::{Body, Messages};
use super::broker::GOOD_ORDER;
use super::handshake::{publish, transient};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::{ChannelEnd, Ending, Receiver, Sender};
use crate::muon::codec::{Limits, Spoken};
use crate::muon::message::{Message, NO_SERVICE};
use crate::muon::protocol::step;

/// Messages that are taken from the channel at once.
const BATCH: usize = 64;

/// What a channel needs of the broker.
pub(super) struct Line {
    pub(super) channel: Channel,
    /// The queue that the peer reads.
    pub(super) outgoing: ShortString,
    /// The queue that is read here.
    pub(super) own: ShortString,
    /// This service.
    pub(super) local: Arc<str>,
    /// The other service, where it is known.
    pub(super) peer: Option<Arc<str>>,
    /// What the client of a channel writes beside each message.
    pub(super) protocol: Option<Arc<str>>,
    pub(super) spoken: Spoken,
    pub(super) limits: Limits,
}

/// How a line ended.
enum End {
    /// From here; the peer is to be told.
    Here(Ending),
    /// From there, or with a message that said so.
    Told(Ending),
}

/// Carries messages both ways until the channel ends, and gives back what it held at the broker.
pub(super) async fn run(line: Line, incoming: Consumer, end: ChannelEnd, prefetch: u16) {
    let (sender, mut receiver) = end.split();
    let end = tokio::select! {
        end = line.send_all(&mut receiver) => end,
        end = line.receive_all(incoming, &sender, prefetch) => end,
    };
    let ending = match end {
        End::Told(ending) => ending,
        End::Here(ending) => {
            // A peer that cannot be told finds out by the silence.
            let _ = line.send([step::farewell(&ending)]).await;
            ending
        }
    };
    match ending {
        Ending::Closed => sender.close(),
        Ending::Failed(error) => {
            tracing::debug!(queue = line.own.as_str(), %error, "a channel over the broker failed");
            sender.fail(error.duplicate());
        }
    }
    // A broken connection has given back all of its own.
    let _ = line.give_back().await;
    let _ = line.channel.close(GOOD_ORDER, "closed".into()).await;
}

impl Line {
    async fn send_all(&self, receiver: &mut Receiver) -> End {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            match gather(receiver, &mut batch).await {
                Ok(0) => return End::Here(Ending::Closed),
                Ok(_) => {}
                Err(error) => return End::Here(Ending::Failed(Arc::new(error))),
            }
            match self.send(batch.drain(..)).await {
                Ok(false) => {}
                Ok(true) => return End::Told(Ending::Closed),
                Err(error) => return End::Here(Ending::Failed(Arc::new(error))),
            }
        }
    }

    /// Sends messages, as many together as go into a body. Whether one of them closed the channel, which is the last then.
    async fn send(&self, messages: impl IntoIterator<Item = Message>) -> Result<bool> {
        let mut body = Body::new(&self.spoken);
        for message in messages {
            let message = self.addressed(message);
            if let Err(error) = body.add(&message, &self.limits) {
                self.publish(&body).await?;
                return Err(error);
            }
            if message.is_closing() {
                self.publish(&body).await?;
                return Ok(true);
            }
            if body.is_full() {
                self.publish(&body).await?;
                body = Body::new(&self.spoken);
            }
        }
        self.publish(&body).await?;
        Ok(false)
    }

    fn addressed(&self, mut message: Message) -> Message {
        if &*message.origin_service == NO_SERVICE {
            message.origin_service = self.local.clone();
        }
        if message.target_service.is_none() {
            message.target_service.clone_from(&self.peer);
        }
        message
    }

    async fn publish(&self, body: &Body<'_>) -> Result<()> {
        if body.is_empty() {
            return Ok(());
        }
        let mut headers = FieldTable::default();
        headers.insert("content_type".into(), AMQPValue::LongString(body.content_type().into()));
        if let Some(protocol) = &self.protocol {
            headers.insert("protocol".into(), AMQPValue::LongString((&**protocol).into()));
        }
        let published =
            publish(&self.channel, &self.outgoing, body.bytes(), body.content_type(), headers).await;
        published.map_err(broken)
    }

    async fn receive_all(&self, mut incoming: Consumer, sender: &Sender, prefetch: u16) -> End {
        let acknowledge_at = u32::from(prefetch / 2).max(1);
        let mut unacknowledged = (0, 0);
        loop {
            let delivery = match incoming.next().now_or_never() {
                Some(delivery) => delivery,
                None => {
                    if let Err(error) = self.acknowledge(&mut unacknowledged).await {
                        return End::Told(Ending::Failed(Arc::new(error)));
                    }
                    incoming.next().await
                }
            };
            let delivery = match delivery {
                Some(Ok(delivery)) => delivery,
                Some(Err(error)) => return End::Told(Ending::Failed(Arc::new(broken(error)))),
                None => return End::Told(Ending::Failed(Arc::new(cancelled()))),
            };
            unacknowledged = (unacknowledged.0 + 1, delivery.delivery_tag);
            if let Some(end) = self.take(delivery, sender).await {
                return end;
            }
            if unacknowledged.0 >= acknowledge_at
                && let Err(error) = self.acknowledge(&mut unacknowledged).await
            {
                return End::Told(Ending::Failed(Arc::new(error)));
            }
        }
    }

    /// Hands on what arrived; says how the channel ended, if that was it.
    async fn take(&self, delivery: Delivery, sender: &Sender) -> Option<End> {
        let content_type = delivery.properties.content_type().as_ref().map(ShortString::as_str);
        let (mut messages, mut end) = (VecDeque::new(), None);
        for message in Messages::of(&self.spoken, content_type, delivery.data.into(), &self.limits) {
            let message = match message {
                Ok(message) => message,
                Err(error) => {
                    tracing::warn!(queue = self.own.as_str(), %error, "a peer sent what is no message");
                    end = Some(End::Here(Ending::Failed(Arc::new(error))));
                    break;
                }
            };
            if let Some(ending) = step::ending(&message) {
                end = Some(End::Told(ending));
                break;
            }
            if message.is_closing() {
                end = Some(End::Told(Ending::Closed));
            }
            messages.push_back(message);
            if end.is_some() {
                break;
            }
        }
        match sender.send_many(messages).await {
            Ok(()) => end,
            // The end came from here: what was sent before it goes out first.
            Err(_) => std::future::pending().await,
        }
    }

    /// Deletes both queues, the outgoing one unless the peer still reads it: a queue that nobody reads any more never ends by
    /// itself.
    async fn give_back(&self) -> lapin::Result<()> {
        let options = QueueDeleteOptions::default();
        self.channel.queue_delete(self.own.clone(), options).await?;
        // Declared first, because to delete or to ask for a queue that is gone would be an error at the broker.
        let declared = self.channel.queue_declare(self.outgoing.clone(), transient(), FieldTable::default());
        if declared.await?.consumer_count() == 0 {
            self.channel.queue_delete(self.outgoing.clone(), options).await?;
        }
        Ok(())
    }

    /// Acknowledges all that was handed on: how many, and the tag of the last.
    async fn acknowledge(&self, unacknowledged: &mut (u32, u64)) -> Result<()> {
        if unacknowledged.0 == 0 {
            return Ok(());
        }
        let tag = std::mem::take(unacknowledged).1;
        self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await.map_err(broken)
    }
}

/// Waits for messages. Tasks that were woken together send one after the other, and a body costs the broker more than a message does:
/// whoever is about to send comes along.
async fn gather(receiver: &mut Receiver, batch: &mut Vec<Message>) -> Result<usize> {
    let count = receiver.recv_many(batch, BATCH).await?;
    if 0 < count && count < BATCH {
        yield_now().await;
        // An end will be told again.
        let _ = receiver.recv_many(batch, BATCH - count).now_or_never();
    }
    Ok(count)
}

fn broken(error: lapin::Error) -> Error {
    let message = "the connection to the broker broke; open another channel";
    Error::new(ErrorKind::Unavailable, "use channel", message).caused_by(error)
}

fn cancelled() -> Error {
    let message =
        "the queue of the channel was deleted: the peer or the broker has given it up; open another channel";
    Error::new(ErrorKind::Unavailable, "receive", message)
}
