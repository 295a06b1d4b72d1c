//! Takes apart what arrives on a shared channel. It never waits for a virtual channel.

use std::sync::{Arc, Weak};

use uuid::Uuid;

use super::super::Receiver;
use super::super::half::Ending;
use super::table::{Known, Opening};
use super::{Core, SHARED_CHANNEL, frame};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::codec::Limits;
use crate::muon::message::Message;
use crate::muon::protocol::step;
use crate::muon::transport::{Accepted, Incoming};

/// Messages that are taken from the shared channel at once.
const BATCH: usize = 64;

/// Runs until the shared channel has ended.
pub(super) async fn run(core: Weak<Core>, mut receiver: Receiver, accept: Option<Incoming>) {
    let mut messages = Vec::new();
    loop {
        messages.clear();
        let ending = match receiver.recv_many(&mut messages, BATCH).await {
            Ok(0) => Some(Ending::Closed),
            Ok(_) => None,
            Err(error) => Some(Ending::Failed(Arc::new(error))),
        };
        let Some(core) = core.upgrade() else { return };
        let ending =
            ending.or_else(|| messages.iter().find_map(|outer| core.take(outer, accept.as_ref()).err()));
        if let Some(ending) = ending {
            core.table.end(&ending);
            match ending {
                Ending::Closed => core.sender.close(),
                Ending::Failed(error) => core.sender.fail(error.duplicate()),
            }
            return;
        }
    }
}

impl Core {
    /// Takes one message of the shared channel.
    ///
    /// # Errors
    /// How the shared channel ends by it.
    fn take(self: &Arc<Self>, outer: &Message, accept: Option<&Incoming>) -> Result<(), Ending> {
        if let Some(ending) = step::ending(outer) {
            return Err(ending);
        }
        if step::is_keep_alive(outer) {
            return Ok(());
        }
        if outer.protocol != SHARED_CHANNEL || outer.step != frame::STEP {
            tracing::warn!(message = ?outer, "ignored a message that has no place on a shared channel");
            return Ok(());
        }
        let (id, inner) = frame::read(&self.spoken, outer, &self.limits).map_err(|error| {
            tracing::warn!(origin = %outer.origin_service, %error, "a shared channel failed");
            Ending::Failed(Arc::new(error))
        })?;
        if let Err(error) = inner.and_then(|inner| self.deliver(id, inner, accept)) {
            tracing::warn!(origin = %outer.origin_service, channel = %id, %error, "a virtual channel failed");
            self.refuse(id, error);
        }
        Ok(())
    }

    /// # Errors
    /// Why the virtual channel has to fail.
    fn deliver(self: &Arc<Self>, id: Uuid, inner: Message, accept: Option<&Incoming>) -> Result<()> {
        let ending = step::ending(&inner);
        match (self.table.find(id), ending) {
            (Known::Open(channel), Some(ending)) => {
                self.table.remove(id, true);
                channel.end(&ending);
                Ok(())
            }
            (Known::Open(channel), None) => {
                let is_closing = inner.is_closing();
                match channel.take(inner) {
                    Ok(None) if is_closing => {
                        self.table.remove(id, true);
                        channel.end(&Ending::Closed);
                        Ok(())
                    }
                    // The reader is gone, and its sender tells the peer.
                    Ok(None) | Err(_) => Ok(()),
                    Ok(Some(_)) => Err(too_slow(&self.limits)),
                }
            }
            (Known::Ended(_) | Known::Never, Some(_)) => Ok(()),
            (Known::Ended(past), None) if past.explains(&inner) => {
                tracing::debug!(channel = %id, message = ?inner, "ignored what came after the end of its channel");
                Ok(())
            }
            (Known::Ended(_), None) => {
                self.table.refuse(id, Some(Opening::of(&inner)));
                Err(used_twice())
            }
            (Known::Never, None) => self.accept(id, inner, accept),
        }
    }

    fn accept(self: &Arc<Self>, id: Uuid, inner: Message, accept: Option<&Incoming>) -> Result<()> {
        let Some(accept) = accept else {
            let message =
                "this side of the shared channel serves nothing; open a channel to the service instead";
            return Err(Error::new(ErrorKind::Unsupported, "open a channel", message));
        };
        let opening = Some(Opening::of(&inner));
        let channel = self.open(id, opening.clone()).inspect_err(|_| self.table.refuse(id, opening))?;
        let sender = channel.sender().clone();
        let (protocol, origin) = (inner.protocol.as_ref().into(), Some(inner.origin_service.clone()));
        self.deliver(id, inner, None)?;
        accept
            .offer(Accepted { protocol, origin, channel })
            .inspect_err(|error| sender.fail(error.duplicate()))
    }

    /// Fails a virtual channel, whether it is open or not, and tells the peer.
    fn refuse(self: &Arc<Self>, id: Uuid, error: Error) {
        let ending = Ending::Failed(Arc::new(error));
        match self.table.find(id) {
            Known::Open(channel) => self.end(id, &channel, &ending),
            Known::Ended(_) => self.tell(id, &ending),
            Known::Never => {
                self.table.refuse(id, None);
                self.tell(id, &ending);
            }
        }
    }
}

fn too_slow(limits: &Limits) -> Error {
    let message = "the reader of the channel is too far behind; grant credit, or raise `Limits::channel_capacity`, `channel_bytes` or `shared_bytes`";
    Error::new(ErrorKind::TooLarge, "receive", message)
        .with("messages", limits.channel_capacity)
        .with("bytes", limits.channel_bytes)
        .with("shared bytes", limits.shared_bytes)
}

fn used_twice() -> Error {
    let message = "the id of the channel was used before, and that channel has ended; take a new id";
    Error::new(ErrorKind::InvalidInput, "open a channel", message)
}
