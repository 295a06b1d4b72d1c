//! The stream of a subscription.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::{BoxFuture, Future, FutureExt, MaybeDone, maybe_done};
use futures_util::stream::{FusedStream, Stream};
use tokio::task::coop;

use crate::domain::{OrderId, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{EventStore, Head, Page, Position, Read};
use crate::subscription::Subscribe;
use crate::subscription::hub::{Followed, Hub, Interest, Recent, Seat, Shared, Wish};
use crate::subscription::machine::{Machine, Reach, Step};
use crate::subscription::subscribe::Mode;

/// What a stream takes at once of what is stored, and of what is at hand.
const PAGE: usize = 256;
const HANDFUL: usize = 64;

/// Opens subscriptions over one store. Cloning is cheap; clones share what was read lately.
#[derive(Clone, Debug)]
pub struct Subscriptions {
    hub: Arc<Hub>,
}

/// A running subscription: a stream that is pulled, each event in its turn.
///
/// - It is cancel-safe: dropping a `next()` that waits loses nothing.
/// - An error is an item. The next poll tries again from the same place, so that nothing is skipped; wait a little
///   before. Only [`ErrorKind::Closed`] is the end.
/// - It holds at most two pages of what is stored, or a handful of what is at hand; dropping it gives up its place.
/// - A tombstone is an event like others; nothing follows it, and the subscription waits on.
pub struct Subscription {
    hub: Arc<Hub>,
    subscribe: Arc<Subscribe>,
    head: Head,
    machine: Machine,
    /// Taken and not given yet.
    taken: std::vec::IntoIter<Arc<RecordedEvent>>,
    reading: Option<Reading>,
    seat: Option<Seat>,
}

/// A page that is being read.
struct Reading {
    /// The head when it was begun.
    seen: OrderId,
    page: MaybeDone<BoxFuture<'static, Result<Page>>>,
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
        Self::with_recent(events, Recent::default())
    }

    /// Subscriptions over a store that keep so much of what was appended lately for those who follow.
    pub fn with_recent(events: Arc<dyn EventStore>, recent: Recent) -> Self {
        Self { hub: Hub::new(events, recent) }
    }

    /// Opens a subscription. For a hot one, "now" is the head when this returns.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it begins at a version of more than one stream, or is hot and begins elsewhere
    /// than now; those of the store.
    pub async fn open(&self, subscribe: Subscribe) -> Result<Subscription> {
        subscribe.admit()?;
        let head = self.hub.events().head().await?;
        let present = head.current();
        let machine = match subscribe.mode {
            Mode::Cold => Machine::cold(subscribe.from, present),
            Mode::HotCold => Machine::hot_cold(subscribe.from),
            Mode::Hot => Machine::hot(present),
        };
        let subscribe = Arc::new(subscribe);
        // Whoever follows from the beginning finds all of it at hand, even if it is polled late.
        let seat = match machine.step() {
            Step::Follow(_) => Some(Seat::take(&self.hub, &subscribe, present, &head)?),
            Step::Read(_) | Step::End => None,
        };
        let taken = Vec::new().into_iter();
        Ok(Subscription { hub: self.hub.clone(), subscribe, head, machine, taken, reading: None, seat })
    }

    /// What the live ones among them share, as of now.
    pub fn shared(&self) -> Shared {
        self.hub.shared()
    }
}

impl Subscription {
    /// Everything at or below was given, or does not match. It may lag while nothing matches.
    pub fn position(&self) -> OrderId {
        match self.taken.as_slice().first() {
            Some(next) => next.order_id.previous(),
            None => self.machine.position(),
        }
    }

    /// Waits until events are at hand, or the position moved on without any; gives at most `most` events. `None` at the
    /// end of a cold subscription.
    ///
    /// Cancel-safe: what was not given is given next time.
    pub(crate) async fn next_batch(&mut self, most: usize) -> Result<Option<Batch>> {
        let most = most.max(1);
        let moved_on = self.taken.len() > 0
            || poll_fn(|context| self.poll_take(context, Interest::Progress, most)).await?;
        if !moved_on {
            return Ok(None);
        }
        let events = self.taken.by_ref().take(most).collect();
        Ok(Some(Batch { events, through: self.position() }))
    }

    /// Takes what comes next; false at the end. With [`Interest::Matches`] it is at least one event.
    fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        interest: Interest,
        most: usize,
    ) -> Poll<Result<bool>> {
        loop {
            let budget = ready!(coop::poll_proceed(context));
            let before = self.machine.position();
            match self.machine.step() {
                Step::End => return Poll::Ready(Ok(false)),
                Step::Read(from) => ready!(self.poll_page(context, from, most))?,
                Step::Follow(after) => ready!(self.poll_hub(context, interest, after, most))?,
            }
            budget.made_progress();
            let moved_on = interest == Interest::Progress && self.machine.position() > before;
            if moved_on || self.taken.len() > 0 {
                return Poll::Ready(Ok(true));
            }
        }
    }

    /// Takes a page from the store, and has the next one read meanwhile.
    fn poll_page(
        &mut self,
        context: &mut Context<'_>,
        from: Option<Position>,
        most: usize,
    ) -> Poll<Result<()>> {
        if self.reading.is_none() {
            self.begin_page(from, most);
        }
        let Some(reading) = &mut self.reading else { return Poll::Pending };
        ready!(Pin::new(&mut reading.page).poll(context));
        let (seen, page) = (reading.seen, Pin::new(&mut reading.page).take_output());
        self.reading = None;
        let page = match page {
            Some(Ok(page)) => page,
            Some(Err(error)) => return Poll::Ready(Err(self.failed(error))),
            None => return Poll::Ready(Ok(())),
        };
        self.machine.read(Reach::of(&page, seen));
        let wanted = page.events.into_iter().filter(|event| self.wants(event)).map(Arc::new);
        self.taken = wanted.collect::<Vec<_>>().into_iter();
        if let Step::Read(from) = self.machine.step() {
            let reading = self.begin_page(from, most);
            // Whether it is there already is asked when it is needed.
            let _ = Pin::new(&mut reading.page).poll(context);
        }
        Poll::Ready(Ok(()))
    }

    fn begin_page(&mut self, from: Option<Position>, most: usize) -> &mut Reading {
        let read = Read { from, limit: most, ..self.subscribe.read() };
        let (seen, events) = (self.head.current(), self.hub.events().clone());
        let page = maybe_done(async move { events.read(read).await }.boxed());
        self.reading.insert(Reading { seen, page })
    }

    /// Whether an event of a page belongs here: a page may go beyond the end, or begin before a start in the future.
    fn wants(&self, event: &RecordedEvent) -> bool {
        self.machine.includes(event.order_id) && self.subscribe.has_begun_at(event)
    }

    /// Takes what is at hand, or waits for it.
    fn poll_hub(
        &mut self,
        context: &mut Context<'_>,
        interest: Interest,
        after: OrderId,
        most: usize,
    ) -> Poll<Result<()>> {
        let most = if interest == Interest::Matches { HANDFUL } else { most };
        let wish = Wish { subscribe: &self.subscribe, interest, after, most, head: &self.head };
        let seat = match &mut self.seat {
            Some(seat) => seat,
            none => none.insert(Seat::take(&self.hub, &self.subscribe, after, &self.head)?),
        };
        match seat.poll(&wish, context) {
            Ok(Followed::Events { events, through }) => {
                self.machine.followed(through);
                self.taken = events.into_iter();
                Poll::Ready(Ok(()))
            }
            Ok(Followed::Behind { after }) => {
                self.machine.followed(after);
                self.machine.fell_behind();
                Poll::Ready(Ok(()))
            }
            Ok(Followed::Waiting { through }) => {
                self.machine.followed(through);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(self.failed(error))),
        }
    }

    fn failed(&mut self, error: Error) -> Error {
        if *error.kind() == ErrorKind::Closed {
            self.machine.end();
            self.seat = None;
        }
        error
    }
}

impl Stream for Subscription {
    type Item = Result<Arc<RecordedEvent>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.taken.len() == 0 {
            match ready!(self.poll_take(context, Interest::Matches, PAGE)) {
                Ok(true) => {}
                Ok(false) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        } else {
            // Whoever is served from what was taken still has to give way to others now and then.
            ready!(coop::poll_proceed(context)).made_progress();
        }
        let next = self.taken.next();
        if self.taken.len() == 0 {
            self.taken = Vec::new().into_iter();
        }
        Poll::Ready(next.map(Ok))
    }
}

impl FusedStream for Subscription {
    fn is_terminated(&self) -> bool {
        self.taken.len() == 0 && self.machine.step() == Step::End
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("subscribe", &self.subscribe)
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
