//! The work on one segment: events are read, tried and settled, and the segment's place moves on behind them.
//!
//! An event is read (`take`), tried when it is its key's turn (`start`), and settled by what came of it (`settle`): handled,
//! to be tried again, parked with its key, or, where it is not to blame, the reason of a pause. The place is written in
//! the background (`commit`), many events at a time. Asked to stop, the worker ends what is under way and writes the
//! place a last time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::task::{JoinError, JoinSet};

use crate::domain::{Clock, Name, OrderId, Query, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::service::EventHandler;
use crate::service::attempt::{Attempted, Outcome, attempt};
use crate::service::lanes::{Job, Lanes};
use crate::service::pause::Pause;
use crate::service::progress::Part;
use crate::service::service::Handling;
use crate::service::tracker::Tracker;
use crate::store::{Head, Position, Selection};
use crate::subscription::{
    Batch, Book, Committed, Failure, Lease, Phase, Segment, Stop, Subscribe, Subscription,
};

/// So many events are at most held, from the first that is not settled on.
const WINDOW: usize = 4_096;

/// So many settled events make the place be written at once.
const MANY: usize = 1_024;

/// So long a place that moved over handled events may stay unwritten.
const HANDLED: Duration = Duration::from_millis(50);

/// So long a place that moved only over events which do not concern the handler may stay unwritten: nothing is done
/// twice because of it.
const SKIPPED: Duration = Duration::from_secs(5);

type Reading = BoxFuture<'static, (Subscription, Result<Option<Batch>>)>;
type Committing = BoxFuture<'static, (Book, OrderId, Result<Committed>)>;

pub(super) struct Worker<H> {
    handling: Arc<Handling<H>>,
    lease: Arc<Lease>,
    segment: Segment,
    head: Head,
    /// The stored place; `None` while it is written.
    book: Option<Book>,
    /// `None` while it is read from.
    subscription: Option<Subscription>,
    reading: Option<Reading>,
    committing: Option<Committing>,
    commit_at: Option<Timestamp>,
    stored: OrderId,
    tracker: Tracker,
    lanes: Lanes,
    attempts: JoinSet<Attempted>,
    /// Keys whose first event is to be tried again, each behind its wait.
    waits: FuturesUnordered<BoxFuture<'static, Name>>,
    pause: Option<Pause>,
    /// How many keys were parked since something succeeded.
    parked_in_row: u32,
}

impl<H: EventHandler> Worker<H> {
    pub(super) async fn open(handling: Arc<Handling<H>>, lease: Arc<Lease>, book: Book) -> Result<Self> {
        let position = book.position();
        let types = H::event_types().into_iter().map(|event_type| Name::from_static(event_type.name));
        let subscribe = Subscribe::hot_cold(Selection::All)
            .matching(Query::types(types))
            .from(Position::OrderId(position.next()));
        let subscription = handling.runtime.subscriptions.open(subscribe).await?;
        let head = handling.runtime.events.head().await?;
        handling.count_parked().await?;
        let worker = Self {
            segment: book.segment(),
            handling,
            lease,
            head,
            book: Some(book),
            subscription: Some(subscription),
            reading: None,
            committing: None,
            commit_at: None,
            stored: position,
            tracker: Tracker::new(position),
            lanes: Lanes::default(),
            attempts: JoinSet::new(),
            waits: FuturesUnordered::new(),
            pause: None,
            parked_in_row: 0,
        };
        worker.show();
        Ok(worker)
    }

    /// Works until it is asked to stop or the lease is lost.
    pub(super) async fn run(mut self, mut stop: Stop) -> Result<()> {
        let clock = self.handling.runtime.clock.clone();
        loop {
            self.start();
            self.read_on();
            self.commit_if_due();
            self.show();
            let commit_at = self.commit_at.filter(|_| self.committing.is_none());
            tokio::select! {
                biased;
                () = stop.requested() => return self.drain().await,
                () = self.lease.lost() => return Ok(()),
                Some(attempted) = self.attempts.join_next() => self.settle(attempted)?,
                (book, through, outcome) = waited(&mut self.committing) => self.committed(book, through, outcome).await?,
                Some(key) = self.waits.next() => self.lanes.again(key),
                key = probed(&mut self.pause) => self.probe(key),
                (subscription, batch) = waited(&mut self.reading), if self.book.is_some() => {
                    self.take(subscription, batch?);
                }
                () = due(&*clock, commit_at) => self.commit(),
            }
        }
    }

    /// Ends what is under way, begins nothing behind it, and writes the place a last time.
    async fn drain(mut self) -> Result<()> {
        (self.reading, self.subscription) = (None, None);
        loop {
            self.fill_gaps();
            if self.attempts.is_empty() && self.committing.is_none() {
                if self.tracker.through() <= self.stored {
                    return Ok(());
                }
                self.commit();
            }
            tokio::select! {
                biased;
                () = self.lease.lost() => return Ok(()),
                Some(attempted) = self.attempts.join_next() => self.settle(attempted)?,
                (book, through, outcome) = waited(&mut self.committing) => {
                    self.committed(book, through, outcome).await?;
                }
            }
        }
    }

    fn start(&mut self) {
        if self.pause.is_some() || self.is_stuck() {
            return;
        }
        while self.attempts.len() < self.handling.policy.concurrency.max(1) {
            if !self.try_next() {
                break;
            }
        }
    }

    /// Starts what is open before the last handled event: the place could not pass it, and what is done behind it would
    /// be done again.
    fn fill_gaps(&mut self) {
        let Some(last) = self.tracker.last_handled().filter(|_| self.pause.is_none()) else { return };
        while self.attempts.len() < self.handling.policy.concurrency.max(1) {
            let Some((key, job)) = self.lanes.start_below(last) else { return };
            self.attempt(key, job);
        }
    }

    /// Whether a handler blocks its thread: whatever is begun beside it would soon block the others. Its end is an outcome,
    /// with which the work goes on.
    fn is_stuck(&self) -> bool {
        self.handling.progress.monitor().calls().stuck(Some(self.segment)).is_some()
    }

    fn try_next(&mut self) -> bool {
        let Some((key, job)) = self.lanes.start() else { return false };
        self.attempt(key, job);
        true
    }

    fn attempt(&mut self, key: Name, job: Job) {
        let (handling, segment) = (self.handling.clone(), self.segment);
        self.attempts.spawn(async move {
            let outcome = attempt(&handling, &job, Some(segment)).await;
            Attempted { key, job, outcome }
        });
    }

    fn probe(&mut self, key: Name) {
        self.lanes.again(key);
        self.try_next();
    }

    fn read_on(&mut self) {
        let room = WINDOW.saturating_sub(self.tracker.len());
        if room == 0 || self.pause.is_some() {
            return;
        }
        if let Some(mut subscription) = self.subscription.take() {
            self.reading = Some(Box::pin(async move {
                let batch = subscription.next_batch(room).await;
                (subscription, batch)
            }));
        }
    }

    fn take(&mut self, subscription: Subscription, batch: Option<Batch>) {
        self.subscription = Some(subscription);
        let (Some(batch), Some(book)) = (batch, &self.book) else { return };
        for event in batch.events {
            let (key, order_id) = (Handling::<H>::key_of(&event), event.order_id);
            if !book.concerns(&key, order_id) {
                continue;
            }
            let waits = book.is_parked(&key) || self.tracker.parks(&key);
            self.tracker.push(key.clone(), event.clone());
            if waits {
                self.tracker.parked(order_id, None);
            } else {
                self.lanes.push(&key, event);
            }
        }
        self.tracker.read(batch.through);
    }

    fn settle(&mut self, attempted: Result<Attempted, JoinError>) -> Result<()> {
        let Attempted { key, job, outcome } = attempted.map_err(|error| {
            Error::new(ErrorKind::Internal, "handle", "an attempt did not end by itself").caused_by(error)
        })?;
        let monitor = self.handling.progress.monitor();
        if let Outcome::Failed(cause) | Outcome::Undecodable(cause) | Outcome::Outage(cause) = &outcome {
            tracing::warn!(handler = H::NAME, event = %job.event.id, attempt = job.attempts, cause, "a delivery failed");
            let event = &job.event;
            monitor.failed(format!("{} of `{key}`, order id {}: {cause}", event.event_type, event.order_id));
        }
        match outcome {
            Outcome::Handled => {
                monitor.succeeded();
                self.parked_in_row = 0;
                self.tracker.handled(job.event.order_id);
                self.lanes.finish(&key);
                self.resume();
            }
            Outcome::Outage(_) => self.pause_for(key),
            Outcome::Failed(_) if job.attempts < self.handling.policy.retry.attempts => {
                if self.parked_in_row < self.handling.policy.flood {
                    self.resume();
                }
                self.try_later(key, job.attempts);
            }
            Outcome::Failed(cause) | Outcome::Undecodable(cause) => self.give_up(&key, cause, job.attempts),
        }
        Ok(())
    }

    /// Tries the first event of a key again after a while, or as soon as it is asked for.
    fn try_later(&mut self, key: Name, failed: u32) {
        let handling = self.handling.clone();
        let monitor = handling.progress.monitor();
        let due = handling.runtime.clock.wait_for(handling.policy.retry.delay(failed));
        let resumed = monitor.resumed();
        self.waits.push(Box::pin(async move {
            let _waits = handling.progress.monitor().waits();
            select(due, pin!(resumed)).await;
            key
        }));
    }

    /// Parks a key, unless so many were parked that something else must be wrong.
    fn give_up(&mut self, key: &Name, cause: String, attempts: u32) {
        if self.parked_in_row >= self.handling.policy.flood.max(1) {
            return self.pause_for(key.clone());
        }
        self.parked_in_row += 1;
        let mut failure = Some(Failure { cause, attempts });
        for job in self.lanes.take(key) {
            self.tracker.parked(job.event.order_id, failure.take());
        }
        self.resume();
    }

    fn pause_for(&mut self, key: Name) {
        self.lanes.forget_attempt(&key);
        let (clock, monitor) = (&*self.handling.runtime.clock, self.handling.progress.monitor());
        match &mut self.pause {
            Some(pause) => pause.failed(key, clock, monitor),
            None => self.pause = Some(Pause::because_of(key, clock, monitor)),
        }
    }

    fn resume(&mut self) {
        if let Some(pause) = self.pause.take() {
            pause.end().into_iter().for_each(|key| self.lanes.again(key));
        }
    }

    fn commit_if_due(&mut self) {
        let through = self.tracker.through();
        if self.committing.is_some() || through <= self.stored {
            return;
        }
        let settled = self.tracker.settled();
        if settled >= MANY || self.tracker.parks_any() {
            return self.commit();
        }
        let delay = if settled > 0 { HANDLED } else { SKIPPED };
        let latest = self.handling.runtime.clock.later(delay);
        self.commit_at = Some(self.commit_at.map_or(latest, |at| at.min(latest)));
    }

    /// Begins to write how far everything is settled.
    fn commit(&mut self) {
        self.commit_at = None;
        let Some(mut book) = self.book.take() else { return };
        let through = self.tracker.through();
        let (lease, parks) = (self.lease.clone(), self.tracker.parks_through(through));
        self.committing = Some(Box::pin(async move {
            let outcome = book.commit(&lease, through, &parks).await;
            (book, through, outcome)
        }));
    }

    async fn committed(&mut self, book: Book, through: OrderId, outcome: Result<Committed>) -> Result<()> {
        self.book = Some(book);
        match outcome {
            Ok(Committed::Done) => {
                let parks = self.tracker.parks_any();
                self.stored = through;
                self.tracker.forget(through);
                if parks { self.handling.count_parked().await } else { Ok(()) }
            }
            Ok(Committed::Freed(keys)) => {
                for (key, event) in self.tracker.reopen(&keys) {
                    self.lanes.push(&key, event);
                }
                self.handling.count_parked().await
            }
            Err(_) if self.lease.is_lost() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Shows how far it is. What is to be parked counts once it is stored as such.
    fn show(&self) {
        let through = if self.tracker.parks_any() { self.stored } else { self.tracker.through() };
        let phase = match &self.pause {
            Some(_) => Phase::Paused,
            None if through >= self.head.current() => Phase::Live,
            None => Phase::CatchingUp,
        };
        let part = Part { phase, position: through, behind_since: self.tracker.open_since() };
        self.handling.progress.set(self.segment, part);
    }
}

/// Waits for what is under way, and takes it out; for ever where nothing is.
async fn waited<T>(under_way: &mut Option<BoxFuture<'static, T>>) -> T {
    let Some(future) = under_way else { return std::future::pending().await };
    let outcome = future.await;
    *under_way = None;
    outcome
}

/// Waits for a time; for ever where there is none.
async fn due(clock: &dyn Clock, time: Option<Timestamp>) {
    match time {
        Some(time) => clock.wait_until(time).await,
        None => std::future::pending().await,
    }
}

async fn probed(pause: &mut Option<Pause>) -> Name {
    match pause {
        Some(pause) => pause.over().await,
        None => std::future::pending().await,
    }
}
