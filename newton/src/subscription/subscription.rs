//! The stream of a subscription.

use std::sync::Arc;

use crate::domain::{OrderId, RecordedEvent};
use crate::error::Result;
use crate::store::{EventStore, Head, Position, Read};
use crate::subscription::Subscribe;
use crate::subscription::subscribe::Mode;

/// Opens subscriptions over one store. Cloning is cheap; clones share what was read lately.
#[derive(Clone, Debug)]
pub struct Subscriptions {
    events: Arc<dyn EventStore>,
}

/// A running subscription.
#[derive(Debug)]
pub struct Subscription {
    events: Arc<dyn EventStore>,
    subscribe: Subscribe,
    head: Head,
    /// Everything at or below was delivered, or does not match.
    position: OrderId,
    next: Option<Position>,
    /// Where a cold subscription ends.
    end: Option<OrderId>,
}

/// Events that a subscription had at hand.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The events, in order; may be none where only the position moved on.
    pub(crate) events: Vec<Arc<RecordedEvent>>,
    /// Everything up to here was delivered with this batch or before, or does not match.
    pub(crate) through: OrderId,
}

impl Subscriptions {
    /// Subscriptions over a store.
    pub fn new(events: Arc<dyn EventStore>) -> Self {
        Self { events }
    }

    /// Opens a subscription. For a hot one, "now" is the head when this returns.
    pub async fn open(&self, subscribe: Subscribe) -> Result<Subscription> {
        let head = self.events.head().await?;
        let present = head.current();
        let (next, position) = match subscribe.mode {
            Mode::Hot => (Some(Position::OrderId(present.next())), present),
            Mode::Cold | Mode::HotCold => (subscribe.from, OrderId::START),
        };
        let end = (subscribe.mode == Mode::Cold).then_some(present);
        Ok(Subscription { events: self.events.clone(), subscribe, head, position, next, end })
    }
}

impl Subscription {
    /// Waits until events are at hand, or the position moved on without any; gives at most `most` events. `None` at the
    /// end of a cold subscription.
    ///
    /// Cancel-safe: what was not given is given next time.
    pub(crate) async fn next_batch(&mut self, most: usize) -> Result<Option<Batch>> {
        loop {
            if self.end.is_some_and(|end| self.position >= end) {
                return Ok(None);
            }
            let seen = self.head.current();
            if seen > self.position {
                return self.read(seen, most).await.map(Some);
            }
            self.head.beyond(self.position).await?;
        }
    }

    async fn read(&mut self, seen: OrderId, most: usize) -> Result<Batch> {
        let read = Read::of(self.subscribe.selection.clone())
            .matching(self.subscribe.query.clone())
            .limit(most.clamp(1, Read::PAGE));
        let read = Read { from: self.next, system: self.subscribe.system, ..read };
        let mut page = self.events.read(read).await?;
        if let Some(end) = self.end {
            page.events.retain(|event| event.order_id <= end);
        }
        let last = page.events.last().map(|event| event.order_id);
        let through = match page.next {
            Some(_) => last.unwrap_or(self.position),
            None => last.unwrap_or_default().max(seen).max(self.position),
        };
        self.next = page.next.or(Some(Position::OrderId(through.next())));
        self.position = through;
        Ok(Batch { events: page.events.into_iter().map(Arc::new).collect(), through })
    }
}
