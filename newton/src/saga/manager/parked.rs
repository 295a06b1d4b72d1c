//! What could not be taken in, and what is done about it.
//!
//! A parked trigger is an event of the log: the event itself, or the record of the instance that it follows from: the one
//! that set a timer, the one that holds a failed command, or the standstill behind a failed compensation.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, oneshot};

use super::desk::Desk;
use super::index::Index;
use super::session::{Cell, Session};
use super::work::Behind;
use super::{Manager, Request};
use crate::domain::{AggregateId, Name, OrderId, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::saga::Saga;
use crate::saga::instance::Course;
use crate::saga::record::{CommandOutcome, CommandResult, Outcomes, Record};
use crate::saga::step::Input;
use crate::store::{Direction, EventStore, Read, Selection};
use crate::subscription::{Dropped, Failure, Ledger, Park, ParkedKey, Parking, Segment};

#[async_trait]
impl<S: Saga> Parking for Manager<S> {
    async fn list(&self) -> Result<Vec<ParkedKey>> {
        self.ledger.parked().await
    }

    async fn dropped(&self) -> Result<Vec<Dropped>> {
        self.ledger.dropped().await
    }

    async fn retry(&self, key: &str) -> Result<usize> {
        self.insist(|reply| Request::Retry(key.to_owned(), reply)).await
    }

    async fn drop_first(&self, key: &str, reason: &str) -> Result<()> {
        self.insist(|reply| Request::Drop(key.to_owned(), reason.to_owned(), reply)).await
    }
}

impl<S: Saga> Desk<S> {
    /// Does what was asked for. A failure is the asker's.
    pub(super) async fn answer(&mut self, ledger: &Ledger, request: Request) -> Result<()> {
        match request {
            Request::Store(reply) => reply_with(reply, self.store().await),
            Request::Retry(key, reply) => {
                let outcome = self.retry(ledger, &key).await;
                reply_with(reply, outcome);
                self.reopen(ledger).await?;
            }
            Request::Drop(key, reason, reply) => {
                let outcome = self.drop_first(ledger, &key, &reason).await;
                reply_with(reply, outcome);
                self.reopen(ledger).await?;
            }
        }
        Ok(())
    }

    async fn retry(&mut self, ledger: &Ledger, key: &str) -> Result<usize> {
        self.store().await?;
        let id = AggregateId::parse(key)?;
        let (session, lease, passed) = (self.session.clone(), &self.lease, self.passed);
        let shared = Mutex::new((&mut self.book, &mut self.index));
        let handle = |event: RecordedEvent| -> futures_util::future::BoxFuture<'_, Result<(), Failure>> {
            let (session, id, shared) = (&session, &id, &shared);
            Box::pin(async move {
                let order_id = event.order_id;
                session.try_again(id, event).await?;
                let mut shared = shared.lock().await;
                let (book, index) = &mut *shared;
                let waiting = session.waiting(id, order_id, passed, index).await.map_err(failure)?;
                book.commit(lease, book.position(), &waiting).await.map_err(failure).map(drop)
            })
        };
        let handled = ledger.retry(lease, key, &handle).await?;
        self.index.timers.release(&id);
        let cell = self.session.cell(&id);
        let mut slot = cell.slot.lock().await;
        self.session.load(&cell, &mut slot).await?;
        self.session.wake(&cell, &mut slot);
        Ok(handled)
    }

    async fn drop_first(&mut self, ledger: &Ledger, key: &str, reason: &str) -> Result<()> {
        let parked = ledger.parked().await?;
        let first = parked.iter().find(|parked| *parked.key == *key).and_then(|parked| parked.events.first());
        let Some(first) = first else {
            let message = format!("`{key}` is not parked in `{}`; list what is", self.session.names.saga);
            return Err(Error::new(ErrorKind::NotFound, "drop parked", message));
        };
        if let Some(event) = &first.event {
            let id = AggregateId::parse(key)?;
            self.session.give_up(&id, event.clone(), reason).await?;
        }
        ledger.drop_first(&self.lease, key, reason).await?;
        self.retry(ledger, key).await.map(drop)
    }

    /// Reads again what is parked.
    async fn reopen(&mut self, ledger: &Ledger) -> Result<()> {
        self.store().await?;
        self.book = ledger.open(Segment::WHOLE).await?;
        self.session.monitor.parked_keys(self.book.parked_keys());
        Ok(())
    }

    /// Parks an instance whose compensation failed, unless it went on since.
    pub(super) async fn stand_still(
        &mut self,
        id: &AggregateId,
        record: &RecordedEvent,
        reason: String,
    ) -> Result<()> {
        if self.book.is_parked(id.as_str()) {
            // It was tried again, and failed again.
            return Ok(());
        }
        let cell = self.session.cell(id);
        let stands_still = {
            let mut slot = cell.slot.lock().await;
            let (instance, _) = self.session.load(&cell, &mut slot).await?;
            instance.course == Course::Parked && instance.version == record.version
        };
        if stands_still { self.stop(id, record, reason).await } else { Ok(()) }
    }

    /// Parks an instance whose stream cannot be read.
    pub(super) async fn unreadable(&mut self, id: &AggregateId, cause: &Error) -> Result<()> {
        let stream = self.session.names.stream(id);
        let read = Read { direction: Direction::Backward, ..Read::of(Selection::Stream(stream)).limit(1) };
        let page = self.session.runtime.events.read(read).await?;
        match page.events.first() {
            Some(last) => self.stop(id, last, cause.to_string()).await,
            None => Ok(()),
        }
    }
}

impl<S: Saga> Session<S> {
    /// Takes a parked trigger to its instance.
    async fn try_again(self: &Arc<Self>, id: &AggregateId, event: RecordedEvent) -> Result<(), Failure> {
        let cell = self.cell(id);
        if self.is_standstill(&event) {
            return self.go_on(&cell).await;
        }
        let inputs = self.inputs(&cell, event).await.map_err(failure)?;
        let behind = Behind::parked(false);
        let worked = self.work(&cell, inputs, behind).await.map_err(failure)?;
        worked.fault.map_or(Ok(()), |cause| Err(Failure { cause, attempts: 1 }))
    }

    /// Sends the compensations of an instance again, from the one that failed.
    async fn go_on(self: &Arc<Self>, cell: &Arc<Cell>) -> Result<(), Failure> {
        let queue = {
            let mut slot = cell.slot.lock().await;
            let (instance, _) = self.load(cell, &mut slot).await.map_err(failure)?;
            if instance.course == Course::Parked {
                instance.queue.iter().cloned().collect()
            } else {
                Vec::new()
            }
        };
        self.send(cell, queue).await.map_err(failure)?;
        let mut slot = cell.slot.lock().await;
        let (instance, _) = self.load(cell, &mut slot).await.map_err(failure)?;
        if instance.course == Course::Parked {
            return Err(Failure { cause: "the compensation failed again".to_owned(), attempts: 1 });
        }
        self.wake(cell, &mut slot);
        Ok(())
    }

    /// Gives a parked trigger up: what follows from it follows, without its handler.
    async fn give_up(self: &Arc<Self>, id: &AggregateId, event: RecordedEvent, reason: &str) -> Result<()> {
        let cell = self.cell(id);
        if event.stream.domain() != Some(self.names.domain.as_str()) {
            return Ok(());
        }
        if self.is_standstill(&event) {
            let failed = {
                let mut slot = cell.slot.lock().await;
                self.load(&cell, &mut slot).await?.0.queue.front().cloned()
            };
            let Some(failed) = failed else { return Ok(()) };
            let outcome = CommandOutcome {
                command: failed.command.id.clone(),
                result: CommandResult::Dropped,
                attempts: 0,
                reason: Some(reason.to_owned()),
                order_id: None,
            };
            return self.record(&cell, &failed, Outcomes { outcomes: vec![outcome] }).await;
        }
        let inputs = self.inputs(&cell, event).await?;
        let behind = Behind::parked(true);
        self.work(&cell, inputs, behind).await.map(drop)
    }

    /// Whether an event is the standstill of an instance.
    fn is_standstill(&self, event: &RecordedEvent) -> bool {
        event.stream.domain() == Some(self.names.domain.as_str())
            && matches!(Record::decode(event), Ok(Record::Ended(_)))
    }

    /// The triggers that a parked event stands for.
    async fn inputs(&self, cell: &Cell, event: RecordedEvent) -> Result<VecDeque<Input>> {
        if event.stream.domain() != Some(self.names.domain.as_str()) {
            return Ok([Input::Event(Arc::new(event))].into());
        }
        let mut slot = cell.slot.lock().await;
        let (instance, _) = self.load(cell, &mut slot).await?;
        let now = self.runtime.clock.now();
        let due =
            instance.timers.iter().filter(|(_, timer)| timer.set_by.event == event.id && timer.due <= now);
        let due = due
            .map(|(name, timer)| Input::Deadline { name: name.clone(), set_by: timer.set_by.event.clone() });
        let failed = instance.failed.as_ref().filter(|failure| failure.origin.event == event.id);
        let failed = failed.map(|failure| Input::Failed { command: failure.command.command.id.clone() });
        Ok(due.chain(failed).collect())
    }

    /// The events that were routed before the instance began to listen to them, behind a trigger that was parked.
    async fn waiting(
        &self,
        id: &AggregateId,
        from: OrderId,
        passed: OrderId,
        index: &mut Index,
    ) -> Result<Vec<Park>> {
        let interests = {
            let cell = self.cell(id);
            let mut slot = cell.slot.lock().await;
            let (instance, _) = self.load(&cell, &mut slot).await?;
            instance.interests.clone()
        };
        let mut events = Vec::new();
        for (interest, since) in interests.into_iter().filter(|(_, since)| *since >= from) {
            index.listen(id, &interest, since);
            events.extend(self.tagged(&interest, since, passed).await?);
        }
        events.sort_by_key(|event| event.order_id);
        events.dedup_by_key(|event| event.order_id);
        let park = |event: Arc<RecordedEvent>| Park {
            key: Name::from(id.as_str()),
            order_id: event.order_id,
            event_id: event.id.clone(),
            failure: None,
        };
        Ok(events.into_iter().map(park).collect())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failure(error: Error) -> Failure {
    Failure { cause: error.to_string(), attempts: 1 }
}

/// Nobody waits any more where the asker was dropped.
fn reply_with<T>(reply: oneshot::Sender<T>, answer: T) {
    let _ = reply.send(answer);
}
