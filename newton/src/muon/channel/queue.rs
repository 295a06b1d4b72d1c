//! One direction of a channel: a bounded queue with one reader, which can be ended from either side.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::half::{Ending, ReceiveHalf};
use crate::error::Result;
use crate::muon::message::Message;

#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    capacity: usize,
    /// Wakes one waiting sender for each message that is taken out. A semaphore would not do: whoever takes a permit to see that
    /// there is room, and gives it back to use the room, can pass it round a circle of waiting senders for ever.
    room: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    messages: VecDeque<Message>,
    pushed: u64,
    ending: Option<Ending>,
    reader: Option<Waker>,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self { inner: Mutex::default(), capacity: capacity.max(1), room: Notify::new() }
    }

    /// Takes a message, or gives it back where there is no room.
    pub(super) fn try_push(&self, message: Message) -> Result<Option<Message>> {
        let mut inner = self.lock();
        if let Some(ending) = &inner.ending {
            return Err(ending.refusal());
        }
        if inner.messages.len() >= self.capacity {
            return Ok(Some(message));
        }
        inner.messages.push_back(message);
        inner.pushed += 1;
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(None)
    }

    pub(super) fn has_room(&self) -> bool {
        self.lock().messages.len() < self.capacity
    }

    /// Returns once there is room, which another sender may take first.
    pub(super) async fn ready(&self) -> Result<()> {
        loop {
            let mut taken = pin!(self.room.notified());
            // Whatever happens behind this line wakes it, so nothing is missed between looking and waiting.
            taken.as_mut().enable();
            {
                let inner = self.lock();
                if let Some(ending) = &inner.ending {
                    return Err(ending.refusal());
                }
                if inner.messages.len() < self.capacity {
                    break;
                }
            }
            taken.await;
        }
        // If this sender has no use for the place after all, the next one has.
        self.room.notify_one();
        Ok(())
    }

    pub(super) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>> {
        let mut inner = self.lock();
        if let Some(message) = inner.messages.pop_front() {
            drop(inner);
            self.room.notify_one();
            return Poll::Ready(Ok(Some(message)));
        }
        if let Some(ending) = &inner.ending {
            return Poll::Ready(ending.received());
        }
        inner.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes no more messages. Those that are inside can be read. The first ending counts.
    pub(super) fn end(&self, ending: &Ending) {
        let mut inner = self.lock();
        inner.ending.get_or_insert_with(|| ending.clone());
        let reader = inner.reader.take();
        drop(inner);
        self.room.notify_waiters();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Forgets what nobody will read.
    pub(super) fn clear(&self) {
        let messages = std::mem::take(&mut self.lock().messages);
        drop(messages);
    }

    /// How many were pushed, and how many of them are inside.
    pub(super) fn count(&self) -> (u64, usize) {
        let inner = self.lock();
        (inner.pushed, inner.messages.len())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one reader of a queue. What is in the queue when it is dropped is forgotten.
#[derive(Debug)]
pub(super) struct QueueReceiver(pub(super) Arc<Queue>);

impl ReceiveHalf for QueueReceiver {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>> {
        self.0.poll_pop(cx)
    }
}

impl Drop for QueueReceiver {
    fn drop(&mut self) {
        self.0.end(&Ending::dropped());
        self.0.clear();
    }
}
