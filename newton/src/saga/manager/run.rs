//! The loop of a saga, from the lease to the end.
//!
//! One thing at a time, so that triggers of all kinds meet an instance in one order. What comes first where several are
//! there: the end, requests, records, failed commands, timers, and then events.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::desk::{Desk, Groups};
use super::session::{Note, Session};
use super::{Manager, Request};
use crate::domain::clock::behind;
use crate::domain::{Clock, Name, OrderId, Query, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::saga::Saga;
use crate::saga::step::Input;
use crate::store::{Position, Read, Selection};
use crate::subscription::{Phase, Segment, Stop, Subscribe, Subscription};
use crate::sync::lock;

/// Index rows are stored at least so often.
const STORE_ROWS: Duration = Duration::from_secs(1);

/// The mere place is stored at least so often.
const STORE_PLACE: Duration = Duration::from_secs(10);

/// So many index rows are not held back.
const MOST_ROWS: usize = 10_000;

/// Ends what a run has begun, however it ends.
struct Run<'a, S> {
    manager: &'a Manager<S>,
    session: Arc<Session<S>>,
}

impl<S> Drop for Run<'_, S> {
    fn drop(&mut self) {
        lock(&self.session.pumps).abort_all();
        lock(&self.manager.requests).take();
    }
}

/// The two ends of the log that the loop follows.
struct Feeds {
    events: Subscription,
    records: Subscription,
}

impl Feeds {
    /// Takes in the records up to a place.
    async fn read_records<S: Saga>(&mut self, desk: &mut Desk<S>, through: OrderId) -> Result<()> {
        while desk.index.position() < through {
            let batch = self.records.next_batch(Read::PAGE).await?;
            desk.read_records(batch.ok_or_else(ended)?).await?;
        }
        Ok(())
    }
}

/// Why a run ended that did not fail.
enum End {
    /// It was asked to stop.
    Asked,
    /// Another node has the lease now; this one waits for its turn.
    TakenOver,
}

impl<S: Saga> Manager<S> {
    /// Runs until it is asked to stop, or fails.
    pub(super) async fn run(&self, mut stop: Stop) -> Result<()> {
        self.monitor.enter(Phase::StandingBy);
        let name = self.ledger.lease_name(Segment::WHOLE);
        let lease = tokio::select! {
            lease = self.runtime.node.acquire(&name) => lease?,
            () = stop.requested() => return Ok(()),
        };
        let (notes, mut told) = mpsc::unbounded_channel();
        let session = Session::new(self, stop.clone(), notes);
        let run = Run { manager: self, session: session.clone() };
        let book = self.ledger.open(Segment::WHOLE).await?;
        self.monitor.reset(OrderId::START);
        self.monitor.parked_keys(book.parked_keys());
        self.monitor.enter(Phase::CatchingUp);
        let mut desk = Desk::open(session.clone(), lease, book).await?;
        let mut feeds = self.feeds(&mut desk).await?;
        let (requests, mut requested) = mpsc::unbounded_channel();
        lock(&self.requests).replace(requests);
        self.monitor.enter(Phase::Live);
        let outcome = self.follow(&mut desk, &mut feeds, &mut told, &mut requested, stop).await;
        if let Ok(End::Asked) = outcome {
            self.finish(&mut desk, &mut told).await?;
            self.monitor.enter(Phase::Stopped);
        }
        drop(run);
        match outcome {
            Ok(End::Asked) => desk.lease.release().await,
            Ok(End::TakenOver) => {
                self.monitor.enter(Phase::StandingBy);
                Ok(())
            }
            Err(error) => self.monitor.noted(Err(error)),
        }
    }

    /// Catches the index up, has the commands sent that a run before did not finish, and opens what the loop follows.
    async fn feeds(&self, desk: &mut Desk<S>) -> Result<Feeds> {
        let _busy = self.monitor.busy();
        let records = Selection::Domain(self.names.domain.clone());
        let from = |place: OrderId| Position::OrderId(place.next());
        let mut stored = self
            .open(Subscribe::cold(records.clone()).with_system().from(from(desk.index.position())))
            .await?;
        while let Some(batch) = stored.next_batch(Read::PAGE).await? {
            desk.read_records(batch).await?;
        }
        for id in desk.session.working() {
            desk.session.wake_stored(&id);
        }
        let records = Subscribe::hot_cold(records).with_system().from(from(desk.index.position()));
        let types = S::event_types().into_iter().map(|event| Name::from_static(event.name));
        let events =
            Subscribe::hot_cold(Selection::All).matching(Query::types(types)).from(from(desk.passed));
        Ok(Feeds { events: self.open(events).await?, records: self.open(records).await? })
    }

    async fn open(&self, subscribe: Subscribe) -> Result<Subscription> {
        self.runtime.subscriptions.open(subscribe).await
    }

    async fn follow(
        &self,
        desk: &mut Desk<S>,
        feeds: &mut Feeds,
        notes: &mut mpsc::UnboundedReceiver<Note>,
        requests: &mut mpsc::UnboundedReceiver<Request>,
        mut stop: Stop,
    ) -> Result<End> {
        let clock = &*self.runtime.clock;
        let mut stored = clock.now();
        loop {
            desk.report();
            let next_due = desk.index.timers.next_due();
            // The time may have been set back.
            stored = stored.min(clock.now());
            let to_store = desk.is_behind().then(|| behind(stored, desk.patience()));
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(End::Asked),
                () = desk.lease.lost() => return Ok(End::TakenOver),
                Some(request) = requests.recv() => {
                    // Whoever asks may have seen a record already.
                    let head = self.runtime.events.head().await?.current();
                    feeds.read_records(desk, head).await?;
                    desk.answer(&self.ledger, request).await?;
                }
                () = time(clock, to_store) => {
                    let _busy = self.monitor.busy();
                    desk.store().await?;
                    stored = clock.now();
                }
                batch = feeds.records.next_batch(Read::PAGE) => {
                    let _busy = self.monitor.busy();
                    desk.read_records(batch?.ok_or_else(ended)?).await?;
                }
                Some(note) = notes.recv() => {
                    let _busy = self.monitor.busy();
                    desk.noted(note, notes).await?;
                }
                () = time(clock, next_due) => {
                    let _busy = self.monitor.busy();
                    desk.fire().await?;
                }
                batch = feeds.events.next_batch(Read::PAGE) => {
                    let _busy = self.monitor.busy();
                    let batch = batch?.ok_or_else(ended)?;
                    // What instances listen to must be known before the events behind it are routed.
                    feeds.read_records(desk, batch.through).await?;
                    desk.route(batch).await?;
                }
            }
            self.monitor.succeeded();
        }
    }

    /// Lets the commands that are under way come to their outcomes, and stores what is known.
    async fn finish(&self, desk: &mut Desk<S>, notes: &mut mpsc::UnboundedReceiver<Note>) -> Result<()> {
        // A failed command is told in the next run.
        notes.close();
        while notes.try_recv().is_ok() {}
        let mut pumps: JoinSet<()> = std::mem::take(&mut *lock(&desk.session.pumps));
        while pumps.join_next().await.is_some() {}
        desk.store().await
    }
}

impl<S: Saga> Desk<S> {
    /// Takes in what the tasks that send commands have to tell.
    async fn noted(&mut self, note: Note, more: &mut mpsc::UnboundedReceiver<Note>) -> Result<()> {
        let (mut groups, mut waiting) = (Groups::new(), Vec::<oneshot::Sender<()>>::new());
        let mut next = Some(note);
        while let Some(note) = next {
            match note {
                Note::Broken(error) => return Err(error),
                Note::Unreadable { id, cause } => self.unreadable(&id, &cause).await?,
                // It is told once it is parked no more.
                Note::Failed { id, .. } if self.book.is_parked(id.as_str()) => {}
                Note::Failed { id, command, told } => {
                    groups.entry(id).or_default().push_back(Input::Failed { command });
                    waiting.push(told);
                }
            }
            next = if groups.len() < Read::PAGE { more.try_recv().ok() } else { None };
        }
        self.round(groups, &[], self.passed).await?;
        self.settle_parks().await?;
        // Whoever waits looks at its instance again; a task that was aborted meanwhile does not.
        for told in waiting {
            let _ = told.send(());
        }
        Ok(())
    }

    fn is_behind(&self) -> bool {
        self.index.is_behind() || self.book.position() < self.passed
    }

    /// How long what is known may stay unstored.
    fn patience(&self) -> Duration {
        match self.index.changes() {
            0 => STORE_PLACE,
            changes if changes > MOST_ROWS => Duration::ZERO,
            _ => STORE_ROWS,
        }
    }
}

/// Waits for a time; for ever where there is none.
async fn time(clock: &dyn Clock, time: Option<Timestamp>) {
    match time {
        Some(time) => clock.wait_until(time).await,
        None => pending().await,
    }
}

fn ended() -> Error {
    Error::new(
        ErrorKind::Internal,
        "run saga",
        "a subscription that stays came to an end; report this defect",
    )
}
