//! Two channel ends that are joined in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::ChannelEnd;
use super::half::{Ending, SendHalf, Traffic};
use super::queue::{Queue, QueueReceiver};
use crate::error::Result;
use crate::muon::codec::Limits;
use crate::muon::message::Message;

/// Two ends that are joined in memory. Each direction holds up to `capacity` messages; 0 is taken for 1. It holds as many bytes
/// as [`Limits::channel_bytes`] says by default.
pub fn pair(capacity: usize) -> (ChannelEnd, ChannelEnd) {
    pair_within(&Limits { channel_capacity: capacity, ..Limits::default() })
}

/// Two ends that are joined in memory. Each direction holds the [`Limits::channel_capacity`] and the [`Limits::channel_bytes`] of
/// these limits.
pub fn pair_within(limits: &Limits) -> (ChannelEnd, ChannelEnd) {
    let (there, back) = (Arc::new(Queue::new(limits, None)), Arc::new(Queue::new(limits, None)));
    (end(there.clone(), back.clone()), end(back, there))
}

fn end(outgoing: Arc<Queue>, incoming: Arc<Queue>) -> ChannelEnd {
    let receiver = QueueReceiver(incoming.clone());
    ChannelEnd::new(Arc::new(PairSender { outgoing, incoming }), Box::new(receiver))
}

#[derive(Debug)]
struct PairSender {
    outgoing: Arc<Queue>,
    incoming: Arc<Queue>,
}

impl SendHalf for PairSender {
    fn try_send(&self, message: Message) -> Result<Option<Message>> {
        let is_closing = message.is_closing();
        let rejected = self.outgoing.try_push(message)?;
        if is_closing && rejected.is_none() {
            self.end(&Ending::Closed);
        }
        Ok(rejected)
    }

    fn try_send_many(&self, messages: &mut VecDeque<Message>) -> Result<()> {
        if self.outgoing.try_push_many(messages)? {
            self.end(&Ending::Closed);
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.outgoing.has_room()
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.outgoing.ready())
    }

    fn end(&self, ending: &Ending) {
        // In this order, so that nobody who was told of the end can still send.
        self.incoming.end(ending);
        self.outgoing.end(ending);
    }

    fn traffic(&self) -> Traffic {
        let (arrived, unread) = self.incoming.count();
        Traffic { sent: self.outgoing.count().0, arrived, unread }
    }
}

impl Drop for PairSender {
    fn drop(&mut self) {
        self.end(&Ending::dropped());
    }
}
