//! How a channel begins: two queues, a message to the queue of the service, and its answer.

use std::sync::Arc;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Consumer};
use tokio::time::timeout;
use uuid::Uuid;

use super::line::{self, Line};
use super::{AmqpOptions, Broker};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::{ChannelEnd, Ending, keep_alive, pair_within};
use crate::muon::codec::{Codec, Json, Spoken, json};
use crate::muon::protocol::step;
use crate::muon::transport::{Accepted, Address};

const HANDSHAKE: &str = "handshake";
const INITIATED: &str = "initiated";
const ACCEPTED: &str = "accepted";
const PROTOCOL: &str = "protocol";
const REPLY_QUEUE: &str = "server_reply_q";
const LISTEN_QUEUE: &str = "server_listen_q";

/// What a peer asks for.
pub(super) struct Asked {
    protocol: String,
    reply_queue: ShortString,
    listen_queue: ShortString,
}

/// The queue of a service, or of one instance of it.
pub(super) fn service_queue(service: &str, instance: Option<&str>) -> ShortString {
    match instance {
        None => format!("service.{service}").into(),
        Some(instance) => format!("service.{service}.{instance}").into(),
    }
}

/// Opens a channel to a service.
pub(super) async fn open(broker: &Broker, options: &AmqpOptions, address: &Address) -> Result<ChannelEnd> {
    let queue = service_queue(&address.service, address.instance.as_deref());
    let opened = timeout(options.timings.handshake, async {
        let channel = broker.channel().await?;
        find(broker, &channel, &queue).await.map_err(|error| error.with("service", &address.service))?;
        shake_hands(broker, channel, options, address, queue).await
    });
    opened.await.unwrap_or_else(|_| {
        let message = "the service did not accept the channel in time; see that it runs, and try again";
        Err(Error::new(ErrorKind::Unavailable, "open a channel", message).with("service", &address.service))
    })
}

/// Asks the broker whether anybody listens. The channel ends where the answer is no.
async fn find(broker: &Broker, channel: &Channel, queue: &ShortString) -> Result<()> {
    let passive = QueueDeclareOptions { passive: true, ..transient() };
    let found = channel.queue_declare(queue.clone(), passive, FieldTable::default()).await;
    if found.is_ok_and(|queue| queue.consumer_count() > 0) {
        return Ok(());
    }
    // Closed by the broker already where there is no such queue.
    let _ = channel.close(super::broker::GOOD_ORDER, "nobody listens".into()).await;
    let message = "nobody listens for this service at this broker; start it";
    Err(Error::new(ErrorKind::NotFound, "open a channel", message).with("broker", broker.shown()))
}

async fn shake_hands(
    broker: &Broker,
    channel: Channel,
    options: &AmqpOptions,
    address: &Address,
    service: ShortString,
) -> Result<ChannelEnd> {
    let id = Uuid::new_v4();
    let listen_queue = ShortString::from(format!("{}.listen.{id}", address.service));
    let reply_queue = ShortString::from(format!("{}.reply.{id}", address.service));
    // Gives the queues back where this future is dropped, or fails.
    let mut opening =
        Opening { channel: channel.clone(), queues: vec![listen_queue.clone(), reply_queue.clone()] };
    let failed = |error| broker.failed(error);
    for queue in [&listen_queue, &reply_queue] {
        channel.queue_declare(queue.clone(), transient(), FieldTable::default()).await.map_err(failed)?;
    }
    let mut replies = consume(&channel, &reply_queue, options.prefetch).await.map_err(failed)?;
    let mut headers = FieldTable::default();
    for (name, value) in [
        (HANDSHAKE, INITIATED),
        (PROTOCOL, &*address.protocol),
        (REPLY_QUEUE, reply_queue.as_str()),
        (LISTEN_QUEUE, listen_queue.as_str()),
    ] {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    publish(&channel, &service, b"{}", Json.content_type(), headers).await.map_err(failed)?;
    accepted(&mut replies).await.map_err(|why| {
        Error::new(ErrorKind::Unavailable, "open a channel", why).with("service", &address.service)
    })?;
    opening.queues.clear();
    let line = Line {
        channel,
        outgoing: listen_queue,
        own: reply_queue,
        local: address.origin.clone(),
        peer: Some(address.service.clone()),
        protocol: Some(address.protocol.clone()),
        spoken: Spoken::to_known(address.codecs.clone()),
        limits: options.limits.clone(),
    };
    Ok(run(broker, line, replies, options))
}

/// Waits for the answer. Nothing else may come before it.
async fn accepted(replies: &mut Consumer) -> Result<(), &'static str> {
    match replies.next().await {
        Some(Ok(delivery)) => {
            let is_accepted = header(&delivery, HANDSHAKE).as_deref() == Some(ACCEPTED);
            // An answer that was read twice would be taken for a message.
            let _ = delivery.acker.ack(lapin::options::BasicAckOptions::default()).await;
            if is_accepted { Ok(()) } else { Err("the service answered something else than `accepted`") }
        }
        Some(Err(_)) | None => Err("the broker ended the channel before the service had answered"),
    }
}

/// What a delivery to the queue of a service asks for.
pub(super) fn asked(delivery: &Delivery) -> Result<Asked> {
    let header = |name: &'static str| {
        header(delivery, name).ok_or_else(|| {
            let message = format!("a handshake lacks the header `{name}`; the peer is no Muon service");
            Error::new(ErrorKind::Decode, "accept a channel", message)
        })
    };
    if header(HANDSHAKE)? != INITIATED {
        let message = "what came to the queue of a service is no handshake; the peer is no Muon service";
        return Err(Error::new(ErrorKind::Decode, "accept a channel", message));
    }
    Ok(Asked {
        protocol: header(PROTOCOL)?,
        reply_queue: header(REPLY_QUEUE)?.into(),
        listen_queue: header(LISTEN_QUEUE)?.into(),
    })
}

/// Accepts a channel, which `telling` tells the peer of.
pub(super) async fn accept(
    broker: &Broker,
    telling: &Channel,
    options: &AmqpOptions,
    service: &str,
    asked: Asked,
    spoken: Spoken,
) -> Result<Accepted> {
    let failed = |error| broker.failed(error);
    // First, because it is cheap: what the peer sends now waits in its queue, and one that does not listen has cost nothing.
    let told = timeout(options.timings.handshake, tell(telling, &asked)).await;
    told.unwrap_or_else(|_| Err(late()))?;
    let Asked { protocol, reply_queue, listen_queue } = asked;
    let accepting = timeout(options.timings.handshake, async {
        let channel = broker.channel().await?;
        // The published client declares this queue only when it first sends.
        channel
            .queue_declare(listen_queue.clone(), transient(), FieldTable::default())
            .await
            .map_err(failed)?;
        let requests = consume(&channel, &listen_queue, options.prefetch).await.map_err(failed)?;
        Ok((channel, requests))
    });
    let accepted = accepting.await.unwrap_or_else(|_| Err(late()));
    let (channel, requests) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => {
            let farewell = step::farewell(&Ending::Failed(Arc::new(error.duplicate())));
            let farewell = json::encode(&farewell.from_service(service));
            // A peer that cannot be told finds out by the silence.
            let _ =
                publish(telling, &reply_queue, &farewell, Json.content_type(), FieldTable::default()).await;
            return Err(error);
        }
    };
    let line = Line {
        channel,
        outgoing: reply_queue,
        own: listen_queue,
        local: service.into(),
        peer: None,
        protocol: None,
        spoken,
        limits: options.limits.clone(),
    };
    Ok(Accepted { protocol: protocol.into(), origin: None, channel: run(broker, line, requests, options) })
}

/// Tells a peer that its channel is accepted.
///
/// # Errors
/// `NotFound` where it does not listen.
async fn tell(telling: &Channel, asked: &Asked) -> Result<()> {
    let mut headers = FieldTable::default();
    for (name, value) in [(HANDSHAKE, ACCEPTED), (PROTOCOL, &*asked.protocol)] {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let (exchange, properties) = (ShortString::default(), properties(Json.content_type(), headers));
    let failed = |error| {
        let message = "the broker did not take the answer to a handshake";
        Error::new(ErrorKind::Unavailable, "accept a channel", message).caused_by(error)
    };
    let sent = telling.basic_publish(exchange, asked.reply_queue.clone(), options, b"{}", properties);
    match sent.await.map_err(failed)?.await.map_err(failed)? {
        Confirmation::Ack(None) | Confirmation::NotRequested => Ok(()),
        Confirmation::Ack(Some(_)) | Confirmation::Nack(_) => {
            let message = "a peer asked for a channel and does not listen for the answer; it is gone";
            Err(Error::new(ErrorKind::NotFound, "accept a channel", message)
                .with("queue", asked.reply_queue.as_str()))
        }
    }
}

fn late() -> Error {
    let message = "the broker did not answer in time while a channel was accepted";
    Error::new(ErrorKind::Unavailable, "accept a channel", message)
}

/// Runs a line in a task of its own, and gives the end to talk to.
fn run(broker: &Broker, line: Line, incoming: Consumer, options: &AmqpOptions) -> ChannelEnd {
    let (here, there) = pair_within(&options.limits);
    let (in_use, prefetch) = (broker.in_use(), options.prefetch);
    tokio::spawn(async move {
        line::run(line, incoming, there, prefetch).await;
        drop(in_use);
    });
    keep_alive(here, &options.timings)
}

/// Queues of a channel that is not open yet.
struct Opening {
    channel: Channel,
    queues: Vec<ShortString>,
}

impl Drop for Opening {
    fn drop(&mut self) {
        if self.queues.is_empty() {
            return;
        }
        let (channel, queues) = (self.channel.clone(), std::mem::take(&mut self.queues));
        tokio::spawn(async move {
            for queue in queues {
                // A broken connection has given the queue back.
                let _ = channel.queue_delete(queue, QueueDeleteOptions::default()).await;
            }
            let _ = channel.close(super::broker::GOOD_ORDER, "given up".into()).await;
        });
    }
}

/// A queue that goes with its last consumer.
pub(super) fn transient() -> QueueDeclareOptions {
    QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default() }
}

pub(super) async fn consume(
    channel: &Channel,
    queue: &ShortString,
    prefetch: u16,
) -> lapin::Result<Consumer> {
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let (tag, options) = (ShortString::default(), BasicConsumeOptions::default());
    channel.basic_consume(queue.clone(), tag, options, FieldTable::default()).await
}

/// Publishes to a queue, without waiting for the broker.
pub(super) async fn publish(
    channel: &Channel,
    queue: &ShortString,
    body: &[u8],
    content_type: &'static str,
    headers: FieldTable,
) -> lapin::Result<()> {
    let properties = properties(content_type, headers);
    let (exchange, options) = (ShortString::default(), BasicPublishOptions::default());
    channel.basic_publish(exchange, queue.clone(), options, body, properties).await.map(drop)
}

fn properties(content_type: &'static str, headers: FieldTable) -> BasicProperties {
    BasicProperties::default()
        .with_delivery_mode(1)
        .with_content_type(content_type.into())
        .with_headers(headers)
}

/// A header as text.
pub(super) fn header(delivery: &Delivery, name: &str) -> Option<String> {
    let headers = delivery.properties.headers().as_ref()?;
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}
