//! The channels that others open to a service.

use std::sync::Arc;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};

use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::ChannelEnd;

/// A channel that a peer opened.
#[derive(Debug)]
pub struct Accepted {
    /// The protocol it is for.
    pub protocol: Arc<str>,
    /// The service that asked for it, where the transport knows.
    pub origin: Option<Arc<str>>,
    /// This side's end.
    pub channel: ChannelEnd,
}

/// Gives the channels that others open, and ends when dropped.
#[derive(Debug)]
pub struct Listener {
    channels: mpsc::Receiver<Accepted>,
}

/// The transport's side of a [`Listener`].
#[derive(Clone, Debug)]
pub struct Incoming {
    channels: mpsc::Sender<Accepted>,
}

impl Listener {
    /// How many channels may wait to be accepted.
    pub const BACKLOG: usize = 1024;

    /// A listener, and what a transport puts the opened channels into.
    pub fn new() -> (Incoming, Self) {
        Self::with_backlog(Self::BACKLOG)
    }

    /// As [`new`](Self::new), where so many channels may wait to be accepted, at least one.
    pub fn with_backlog(backlog: usize) -> (Incoming, Self) {
        let (sender, channels) = mpsc::channel(backlog.clamp(1, Semaphore::MAX_PERMITS));
        (Incoming { channels: sender }, Self { channels })
    }

    /// The next channel; none once the transport has ended. It is cancel-safe.
    pub async fn accept(&mut self) -> Option<Accepted> {
        self.channels.recv().await
    }

    /// Takes no more channels; those that wait can still be accepted.
    pub fn close(&mut self) {
        self.channels.close();
    }
}

impl Incoming {
    /// Hands over a channel without waiting.
    ///
    /// # Errors
    /// `Unavailable` where too many wait, `NotFound` where the listener has ended.
    pub fn offer(&self, accepted: Accepted) -> Result<()> {
        self.channels.try_send(accepted).map_err(|error| match error {
            TrySendError::Full(_) => Error::new(
                ErrorKind::Unavailable,
                "accept",
                "too many channels wait to be accepted; try again later",
            ),
            TrySendError::Closed(_) => {
                Error::new(ErrorKind::NotFound, "accept", "the service does not listen any more")
            }
        })
    }

    /// Whether the listener has ended.
    pub fn is_closed(&self) -> bool {
        self.channels.is_closed()
    }

    /// Waits until the listener has ended.
    pub async fn closed(&self) {
        self.channels.closed().await;
    }
}
