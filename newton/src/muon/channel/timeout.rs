//! Fails a channel on which nothing arrives for too long.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::ChannelEnd;
use super::half::{Ending, ReceiveHalf, SendHalf};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::message::Message;

/// An end whose channel fails when its reader has waited for a message as long as `limit`. Time in which nobody reads does
/// not count.
pub fn timeout(end: ChannelEnd, limit: Duration) -> ChannelEnd {
    let (sender, inner) = end.into_halves();
    let receiver = TimeoutReceiver { inner, sender: Arc::downgrade(&sender), limit, waiting: None };
    ChannelEnd::new(sender, Box::new(receiver))
}

#[derive(Debug)]
struct TimeoutReceiver {
    inner: Box<dyn ReceiveHalf>,
    /// Not held, so that dropping the sender still ends the channel.
    sender: Weak<dyn SendHalf>,
    limit: Duration,
    /// Runs while somebody waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl ReceiveHalf for TimeoutReceiver {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>> {
        let received = self.inner.poll_recv(cx);
        if received.is_ready() {
            self.waiting = None;
            return received;
        }
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(limit)));
        if waiting.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let message = "the peer sent nothing in time; it may be slow or gone";
        let error =
            Error::new(ErrorKind::Unavailable, "receive", message).with("limit", format!("{limit:?}"));
        if let Some(sender) = self.sender.upgrade() {
            sender.end(&Ending::Failed(Arc::new(error)));
        }
        self.waiting = None;
        self.inner.poll_recv(cx)
    }
}
