//! Shows what passes through a channel end.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use super::ChannelEnd;
use super::half::{Ending, ReceiveHalf, SendHalf, Traffic};
use crate::error::Result;
use crate::muon::message::Message;

/// Which way a message passes an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Sent from here.
    Out,
    /// Read here.
    In,
}

type Tap = Arc<dyn Fn(Way, &Message) + Send + Sync>;

/// An end that shows `tap` every message that was sent and every one that is read, before its sender or reader goes on.
pub fn wiretap(end: ChannelEnd, tap: impl Fn(Way, &Message) + Send + Sync + 'static) -> ChannelEnd {
    let (inner, receiver) = end.into_halves();
    let tap: Tap = Arc::new(tap);
    let sender = TappedSender { inner, tap: tap.clone() };
    ChannelEnd::new(Arc::new(sender), Box::new(TappedReceiver { inner: receiver, tap }))
}

struct TappedSender {
    inner: Arc<dyn SendHalf>,
    tap: Tap,
}

struct TappedReceiver {
    inner: Box<dyn ReceiveHalf>,
    tap: Tap,
}

impl SendHalf for TappedSender {
    fn try_send(&self, message: Message) -> Result<Option<Message>> {
        let shown = message.clone();
        let rejected = self.inner.try_send(message)?;
        if rejected.is_none() {
            (self.tap)(Way::Out, &shown);
        }
        Ok(rejected)
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

impl ReceiveHalf for TappedReceiver {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>> {
        let received = self.inner.poll_recv(cx);
        if let Poll::Ready(Ok(Some(message))) = &received {
            (self.tap)(Way::In, message);
        }
        received
    }
}

impl fmt::Debug for TappedSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TappedSender").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl fmt::Debug for TappedReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TappedReceiver").field("inner", &self.inner).finish_non_exhaustive()
    }
}
