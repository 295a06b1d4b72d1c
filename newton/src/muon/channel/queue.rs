//! One direction of a channel: a bounded queue with one reader, which can be ended from either side.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::half::{Ending, ReceiveHalf};
use crate::error::Result;
use crate::muon::codec::Limits;
use crate::muon::message::Message;
use crate::sync::lock;

#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// Messages that it takes, and bytes after which it takes no more.
    limits: (usize, usize),
    total: Option<Arc<Total>>,
    /// Wakes a waiting sender when messages are taken out. A semaphore would not do: whoever takes a permit to see that
    /// there is room, and gives it back to use the room, can pass it round a circle of waiting senders for ever.
    room: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    messages: VecDeque<Message>,
    bytes: usize,
    pushed: u64,
    ending: Option<Ending>,
    reader: Option<Waker>,
}

/// The bytes in several queues together.
#[derive(Debug)]
pub(super) struct Total {
    bytes: AtomicUsize,
    limit: usize,
}

impl Inner {
    /// What a reader is told where nothing is inside.
    fn poll_end(&mut self, cx: &Context<'_>) -> Poll<Result<Option<Message>>> {
        if let Some(ending) = &self.ending {
            return Poll::Ready(ending.received());
        }
        self.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Total {
    /// Of queues that take no more after this many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: AtomicUsize::new(0), limit: limit.max(1) }
    }
}

impl Queue {
    pub(super) fn new(limits: &Limits, total: Option<Arc<Total>>) -> Self {
        let limits = (limits.channel_capacity.max(1), limits.channel_bytes.max(1));
        Self { inner: Mutex::default(), limits, total, room: Notify::new() }
    }

    /// Takes a message, or gives it back where there is no room.
    pub(super) fn try_push(&self, message: Message) -> Result<Option<Message>> {
        let mut message = Some(message);
        self.push_from(|| message.take())?;
        Ok(message)
    }

    /// Takes messages from the front while there is room, up to one that closes the channel. Whether that was among them.
    pub(super) fn try_push_many(&self, messages: &mut VecDeque<Message>) -> Result<bool> {
        self.push_from(|| messages.pop_front())
    }

    fn push_from(&self, mut next: impl FnMut() -> Option<Message>) -> Result<bool> {
        let mut inner = self.lock();
        if let Some(ending) = &inner.ending {
            return Err(ending.refusal());
        }
        let (before, mut is_closing) = (inner.pushed, false);
        while !is_closing
            && self.has_room_in(&inner)
            && let Some(message) = next()
        {
            is_closing = message.is_closing();
            self.push(&mut inner, message);
        }
        let reader = if inner.pushed > before { inner.reader.take() } else { None };
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(is_closing)
    }

    fn push(&self, inner: &mut Inner, message: Message) {
        let weight = weight(&message);
        inner.messages.push_back(message);
        inner.bytes += weight;
        inner.pushed += 1;
        if let Some(total) = &self.total {
            total.bytes.fetch_add(weight, Ordering::Relaxed);
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.has_room_in(&self.lock())
    }

    /// Whatever its size, one more message goes in as long as the bytes before it are within the limits: so the longest can pass,
    /// and whoever waits for room need not know how much.
    fn has_room_in(&self, inner: &Inner) -> bool {
        let (messages, bytes) = self.limits;
        let is_total_reached =
            || self.total.as_ref().is_some_and(|total| total.bytes.load(Ordering::Relaxed) >= total.limit);
        inner.messages.len() < messages && inner.bytes < bytes && !is_total_reached()
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
                if self.has_room_in(&inner) {
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
        let Some(message) = inner.messages.pop_front() else { return inner.poll_end(cx) };
        self.popped(inner, weight(&message));
        Poll::Ready(Ok(Some(message)))
    }

    /// Appends what is inside, up to `limit`; 0 where the channel was closed.
    pub(super) fn poll_pop_many(
        &self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        limit: usize,
    ) -> Poll<Result<usize>> {
        let mut inner = self.lock();
        let count = inner.messages.len().min(limit);
        if count == 0 {
            return inner.poll_end(cx).map_ok(|_| 0);
        }
        let before = messages.len();
        messages.extend(inner.messages.drain(..count));
        self.popped(inner, messages[before..].iter().map(weight).sum());
        Poll::Ready(Ok(count))
    }

    /// One waiting sender is woken: as long as there is room, each wakes the next.
    fn popped(&self, mut inner: MutexGuard<'_, Inner>, bytes: usize) {
        inner.bytes -= bytes;
        drop(inner);
        self.subtract(bytes);
        self.room.notify_one();
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
        let (messages, bytes) = {
            let mut inner = self.lock();
            (std::mem::take(&mut inner.messages), std::mem::take(&mut inner.bytes))
        };
        self.subtract(bytes);
        drop(messages);
    }

    fn subtract(&self, bytes: usize) {
        if let Some(total) = &self.total {
            total.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// How many were pushed, and how many of them are inside.
    pub(super) fn count(&self) -> (u64, usize) {
        let inner = self.lock();
        (inner.pushed, inner.messages.len())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

/// The bytes that a message holds, nearly.
fn weight(message: &Message) -> usize {
    let labels = [message.protocol.len(), message.step.len(), message.content_type.as_str().len()];
    let texts = [
        Some(&message.origin_service),
        message.target_service.as_ref(),
        message.target_service_instance.as_ref(),
        message.event_source.as_ref(),
    ];
    let texts = texts.into_iter().flatten().map(|text| text.len());
    size_of::<Message>() + message.payload.len() + labels.into_iter().chain(texts).sum::<usize>()
}

/// The one reader of a queue. What is in the queue when it is dropped is forgotten.
#[derive(Debug)]
pub(super) struct QueueReceiver(pub(super) Arc<Queue>);

impl ReceiveHalf for QueueReceiver {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>> {
        self.0.poll_pop(cx)
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        limit: usize,
    ) -> Poll<Result<usize>> {
        self.0.poll_pop_many(cx, messages, limit)
    }
}

impl Drop for QueueReceiver {
    fn drop(&mut self) {
        self.0.end(&Ending::dropped());
        self.0.clear();
    }
}
