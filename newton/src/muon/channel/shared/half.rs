//! The sending half of a virtual channel: it puts messages into the shared one directly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::super::half::{Ending, SendHalf, Traffic};
use super::Core;
use super::table::Virtual;
use crate::error::Result;
use crate::muon::message::{Message, NO_SERVICE};

#[derive(Debug)]
pub(super) struct VirtualSender {
    core: Arc<Core>,
    id: Uuid,
    channel: Arc<Virtual>,
    sent: AtomicU64,
}

impl VirtualSender {
    pub(super) fn new(core: Arc<Core>, id: Uuid, channel: Arc<Virtual>) -> Self {
        Self { core, id, channel, sent: AtomicU64::new(0) }
    }
}

impl SendHalf for VirtualSender {
    fn try_send(&self, mut message: Message) -> Result<Option<Message>> {
        if let Some(ending) = self.channel.ending() {
            return Err(ending.refusal());
        }
        if &*message.origin_service == NO_SERVICE {
            message.origin_service = self.core.local.clone();
        }
        if !self.core.sender.has_room()
            || self.core.sender.try_send(self.core.wrap(self.id, &message))?.is_some()
        {
            return Ok(Some(message));
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        if message.is_closing() && self.channel.end(&Ending::Closed) {
            // The message itself tells the peer.
            self.core.table.remove(self.id, false);
        }
        Ok(None)
    }

    fn has_room(&self) -> bool {
        self.core.sender.has_room()
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.core.sender.ready())
    }

    fn end(&self, ending: &Ending) {
        self.core.end(self.id, &self.channel, ending);
    }

    fn traffic(&self) -> Traffic {
        let (arrived, unread) = self.channel.incoming.count();
        Traffic { sent: self.sent.load(Ordering::Relaxed), arrived, unread }
    }
}

impl Drop for VirtualSender {
    fn drop(&mut self) {
        self.end(&Ending::dropped());
    }
}
