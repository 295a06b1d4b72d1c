//! One reader for everybody who follows a store live, and what it has read lately.
//!
//! Whoever follows pulls from the [`ring`]; nothing is queued for anybody, so that a slow follower costs nothing and
//! holds up nobody. A follower that has seen everything is armed, under the lock under which events are published, and
//! is woken by the first event that concerns it: [`followers`] leads from an event to those.
//!
//! The [`reader`] is a task of the runtime of whoever needs it first. It ends with the last follower. Where it fails,
//! or its runtime ends, everybody who waits is told, and the next one who waits starts it again where it stopped.

mod followers;
mod reader;
mod ring;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};

use tokio::runtime::Handle;

pub(super) use self::followers::Interest;
use self::followers::{Arrival, Followers, Id};
pub use self::ring::Recent;
use self::ring::Ring;
use crate::domain::{OrderId, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{EventStore, Head};
use crate::subscription::{Stop, Stopper, Subscribe};
use crate::sync::lock;

/// The most recent events that one look takes in, so that the lock is never held for long.
const LOOK: usize = 1_024;

/// What everybody who follows one store shares.
pub(super) struct Hub {
    events: Arc<dyn EventStore>,
    state: Mutex<State>,
}

struct State {
    ring: Ring,
    followers: Followers,
    /// The end of the reader's task, where there is one.
    reader: Option<Stopper>,
    /// How many readers there were: tells one that ends late from the one in its place.
    readers: u64,
}

/// A reader that is to be started, outside the lock.
struct Launch {
    runtime: Handle,
    number: u64,
    stop: Stop,
}

/// What the subscriptions over a store share, as of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The subscriptions that follow live.
    pub followers: usize,
    /// Those of them that have seen everything, and wait.
    pub waiting: usize,
    /// The events at hand.
    pub events: usize,
    /// Their payload bytes.
    pub bytes: usize,
    /// Whether the store is read for them.
    pub reading: bool,
}

/// What a follower got.
pub(super) enum Followed {
    /// Events, perhaps none; everything up to `through` was looked at.
    Events { events: Vec<Arc<RecordedEvent>>, through: OrderId },
    /// What comes after this is not at hand any more.
    Behind { after: OrderId },
    /// There is nothing up to `through`, and the context's waker is told of what comes.
    Waiting { through: OrderId },
}

impl Hub {
    pub(super) fn new(events: Arc<dyn EventStore>, recent: Recent) -> Arc<Self> {
        let state =
            State { ring: Ring::new(recent), followers: Followers::default(), reader: None, readers: 0 };
        Arc::new(Self { events, state: Mutex::new(state) })
    }

    pub(super) fn events(&self) -> &Arc<dyn EventStore> {
        &self.events
    }

    pub(super) fn shared(&self) -> Shared {
        let state = self.state();
        Shared {
            followers: state.followers.len(),
            waiting: state.followers.waiting(),
            events: state.ring.len(),
            bytes: state.ring.bytes(),
            reading: state.reader.is_some(),
        }
    }

    /// A state is whole between any two lines that can panic, so poison is passed over.
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Makes ready to read where nobody reads: from `position` on, unless reading on gets there soon.
    fn prepare_reader(state: &mut State, position: OrderId) -> Result<Option<Launch>> {
        if state.reader.is_some() {
            return Ok(None);
        }
        let runtime = Handle::try_current().map_err(|error| {
            let message = "a live subscription needs a tokio runtime; poll it inside one";
            Error::new(ErrorKind::Configuration, "follow", message).caused_by(error)
        })?;
        if state.followers.len() <= 1 || state.ring.is_far_below(position) {
            state.ring.restart(position);
        }
        let stopper = Stopper::new();
        let stop = stopper.signal();
        state.reader = Some(stopper);
        state.readers += 1;
        Ok(Some(Launch { runtime, number: state.readers, stop }))
    }

    /// Starts the reader. Not under the lock: a runtime that is ending drops the task at once, and that tells the hub.
    fn launch(self: &Arc<Self>, launch: Option<Launch>, head: &Head) {
        if let Some(Launch { runtime, number, stop }) = launch {
            runtime.spawn(reader::run(reader::End::new(self, number), head.clone(), stop));
        }
    }

    /// Where the reader of that number reads on; `None` where nobody needs it any more.
    fn position(&self, number: u64) -> Option<OrderId> {
        let state = self.state();
        state.is_read_by(number).then(|| state.ring.position())
    }

    /// Adds what the reader of that number read; gives the wakers of whom it concerns.
    fn publish(&self, number: u64, events: &[Arc<RecordedEvent>], through: OrderId) -> Vec<Waker> {
        let mut state = self.state();
        if !state.is_read_by(number) {
            return Vec::new();
        }
        state.ring.push(events, through);
        state.followers.wake(events, through)
    }

    /// The reader of that number is gone: everybody who waits is told.
    fn reader_ended(&self, number: u64, failure: Option<&Error>) -> Vec<Waker> {
        let mut state = self.state();
        if !state.is_read_by(number) {
            return Vec::new();
        }
        state.reader = None;
        let position = state.ring.position();
        state.followers.wake_all(position, failure)
    }
}

impl State {
    fn is_read_by(&self, number: u64) -> bool {
        self.reader.is_some() && self.readers == number
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("events", &self.events).field("shared", &self.shared()).finish()
    }
}

/// A place among the followers; dropping it gives it up.
#[derive(Debug)]
pub(super) struct Seat {
    hub: Arc<Hub>,
    id: Id,
}

impl Seat {
    /// Takes a place, and has the store read for it from `position` on.
    pub(super) fn take(
        hub: &Arc<Hub>,
        subscribe: &Arc<Subscribe>,
        position: OrderId,
        head: &Head,
    ) -> Result<Self> {
        let mut state = hub.state();
        let seat = Self { hub: hub.clone(), id: state.followers.add(subscribe.clone()) };
        let launch = Hub::prepare_reader(&mut state, position);
        drop(state);
        hub.launch(launch?, head);
        Ok(seat)
    }

    /// Takes at most `most` events above `after`, or waits for them. An error is the reader's.
    pub(super) fn poll(&self, wish: &Wish<'_>, context: &Context<'_>) -> Result<Followed> {
        let mut state = self.hub.state();
        let after = match state.followers.arrive(self.id, context.waker(), wish.interest) {
            Arrival::Waiting => return Ok(Followed::Waiting { through: wish.after }),
            Arrival::Failed(failure) => return Err(failure),
            Arrival::Busy(after) => after.max(wish.after),
        };
        let Some(recent) = state.ring.above(after) else {
            return Ok(Followed::Behind { after });
        };
        let (events, through) = pull(recent, wish, state.ring.position().max(after));
        let nothing_new = match wish.interest {
            Interest::Matches => through >= state.ring.position(),
            Interest::Progress => through <= wish.after,
        };
        if !events.is_empty() || !nothing_new {
            return Ok(Followed::Events { events, through });
        }
        let launch = Hub::prepare_reader(&mut state, through)?;
        state.followers.arm(self.id, context.waker(), through, wish.interest);
        drop(state);
        self.hub.launch(launch, wish.head);
        Ok(Followed::Waiting { through })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        state.followers.remove(self.id);
        if state.followers.len() > 0 {
            return;
        }
        state.ring.restart(OrderId::START);
        state.reader = None;
    }
}

/// What a follower wishes.
pub(super) struct Wish<'a> {
    pub(super) subscribe: &'a Subscribe,
    pub(super) interest: Interest,
    pub(super) after: OrderId,
    pub(super) most: usize,
    pub(super) head: &'a Head,
}

/// The events that match, at most as many as wished, and how far that is.
fn pull<'a>(
    recent: impl Iterator<Item = &'a Arc<RecordedEvent>>,
    wish: &Wish<'_>,
    position: OrderId,
) -> (Vec<Arc<RecordedEvent>>, OrderId) {
    let mut events = Vec::new();
    for (looked_at, event) in recent.enumerate() {
        if looked_at == LOOK || events.len() == wish.most {
            // This one comes next time, and there is nothing between it and the one before.
            return (events, event.order_id.previous());
        }
        if wish.subscribe.admits(event) {
            events.push(event.clone());
        }
    }
    (events, position)
}
