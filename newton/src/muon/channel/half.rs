//! The two halves of a channel end, as transports and combinators implement them.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use crate::error::{Error, ErrorKind, Result};
use crate::muon::message::Message;

/// What sends. Dropping it without ending the channel fails the channel.
pub trait SendHalf: Debug + Send + Sync {
    /// Takes a message, or gives it back where there is no room. A message that closes the channel ends it.
    ///
    /// # Errors
    /// How the channel [ended](Ending::refusal).
    fn try_send(&self, message: Message) -> Result<Option<Message>>;

    /// Takes messages from the front, as many as there is room for.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send).
    fn try_send_many(&self, messages: &mut VecDeque<Message>) -> Result<()> {
        while let Some(message) = messages.pop_front() {
            if let Some(rejected) = self.try_send(message)? {
                messages.push_front(rejected);
                break;
            }
        }
        Ok(())
    }

    /// Whether there is room now, so that work on a message that would be given back can be spared.
    fn has_room(&self) -> bool;

    /// Returns once there is room, which another sender may take first, or the channel has ended.
    ///
    /// # Errors
    /// How the channel [ended](Ending::refusal).
    fn ready(&self) -> BoxFuture<'_, Result<()>>;

    /// Ends the channel for both sides. The first ending counts.
    fn end(&self, ending: &Ending);

    /// What went through this end so far.
    fn traffic(&self) -> Traffic;
}

/// What receives.
pub trait ReceiveHalf: Debug + Send + Sync {
    /// The next message; none once the channel was closed, the reason once it has failed. An ended channel says so as often as it
    /// is asked.
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>>;

    /// Appends the next message and those behind it that have already arrived, up to `limit`, which is not 0. Returns how many; 0 once
    /// the channel was closed.
    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        limit: usize,
    ) -> Poll<Result<usize>> {
        let before = messages.len();
        while messages.len() - before < limit {
            match self.poll_recv(cx) {
                Poll::Ready(Ok(Some(message))) => messages.push(message),
                end if messages.len() == before => return end.map_ok(|_| 0),
                _ => break,
            }
        }
        Poll::Ready(Ok(messages.len() - before))
    }
}

/// How a channel ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// In good order.
    Closed,
    /// With an error.
    Failed(Arc<Error>),
}

/// What went through a channel end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages sent from here.
    pub sent: u64,
    /// Messages that have arrived here.
    pub arrived: u64,
    /// Those of them that are not read yet.
    pub unread: usize,
}

impl Ending {
    /// What a receiver is told, once it has read everything.
    pub fn received(&self) -> Result<Option<Message>> {
        match self {
            Self::Closed => Ok(None),
            Self::Failed(error) => Err(error.duplicate()),
        }
    }

    /// What a sender is told.
    pub fn refusal(&self) -> Error {
        match self {
            Self::Closed => Error::new(ErrorKind::Closed, "send", "the channel is closed; open another one"),
            Self::Failed(error) => error.duplicate(),
        }
    }

    /// What the other side is told of an end that was dropped. Every end is at last: nothing is made for those that were closed before.
    pub(super) fn dropped() -> Self {
        static DROPPED: LazyLock<Arc<Error>> = LazyLock::new(|| {
            let message = "the other end of the channel was dropped without being closed; its task has failed or was cancelled";
            Arc::new(Error::new(ErrorKind::Unavailable, "receive", message))
        });
        Self::Failed(DROPPED.clone())
    }
}
