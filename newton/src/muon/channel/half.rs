//! The two halves of a channel end, as transports and combinators implement them.

use std::fmt::Debug;
use std::sync::Arc;
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

    /// What the other side is told of an end that was dropped.
    pub(super) fn dropped() -> Self {
        let message = "the other end of the channel was dropped without being closed; its task has failed or was cancelled";
        Self::Failed(Arc::new(Error::new(ErrorKind::Unavailable, "receive", message)))
    }
}
