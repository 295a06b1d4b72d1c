//! Compresses what is sent, and inflates what arrives compressed.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use super::ChannelEnd;
use super::half::{Ending, ReceiveHalf, SendHalf, Traffic};
use crate::error::Result;
use crate::muon::codec::{Limits, deflate as codec};
use crate::muon::message::Message;

/// An end that compresses JSON payloads where that is worth it, and inflates what says that it is compressed. Bad compressed data
/// fails the channel.
pub fn deflate(end: ChannelEnd, limits: &Limits) -> ChannelEnd {
    let (inner, receiver) = end.into_halves();
    let receiver =
        InflatingReceiver { inner: receiver, sender: Arc::downgrade(&inner), limits: limits.clone() };
    ChannelEnd::new(Arc::new(DeflatingSender { inner }), Box::new(receiver))
}

#[derive(Debug)]
struct DeflatingSender {
    inner: Arc<dyn SendHalf>,
}

#[derive(Debug)]
struct InflatingReceiver {
    inner: Box<dyn ReceiveHalf>,
    /// Not held, so that dropping the sender still ends the channel.
    sender: Weak<dyn SendHalf>,
    limits: Limits,
}

impl SendHalf for DeflatingSender {
    fn try_send(&self, message: Message) -> Result<Option<Message>> {
        // One that is given back all the same comes again compressed, and is not compressed twice.
        let message = if self.inner.has_room() { codec::compressed(message)? } else { message };
        self.inner.try_send(message)
    }

    fn has_room(&self) -> bool {
        self.inner.has_room()
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.ready()
    }

    fn end(&self, ending: &Ending) {
        self.inner.end(ending);
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }
}

impl ReceiveHalf for InflatingReceiver {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>> {
        let received = self.inner.poll_recv(cx);
        let Poll::Ready(Ok(Some(message))) = received else { return received };
        let inflated = codec::inflated(message, &self.limits);
        if let (Err(error), Some(sender)) = (&inflated, self.sender.upgrade()) {
            tracing::warn!(%error, "a channel failed by what cannot be inflated");
            sender.end(&Ending::Failed(Arc::new(error.duplicate())));
        }
        Poll::Ready(inflated.map(Some))
    }
}
