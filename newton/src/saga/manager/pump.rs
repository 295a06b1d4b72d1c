//! Sending an instance's commands: one task for each instance that has some, so that none waits for another's.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::session::{Cell, Note, Session, Slot, Written, lock};
use super::work::is_unreadable;
use crate::domain::id::EventIds;
use crate::domain::{AggregateId, Cause, Metadata, Name, Version};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::repository::{Caller, ExecuteError, Order};
use crate::saga::Saga;
use crate::saga::instance::{Queued, Work};
use crate::saga::record::{CommandOutcome, CommandResult, Outcomes, Record};

impl<S: Saga> Session<S> {
    /// Has the commands of an instance sent, unless somebody does.
    pub(super) fn wake(self: &Arc<Self>, cell: &Arc<Cell>, slot: &mut Slot) {
        cell.serve(slot.version());
        if slot.is_pumped || self.stop.is_requested() || !slot.has_work() {
            return;
        }
        slot.is_pumped = true;
        self.works(&cell.id);
        let (session, pumped) = (self.clone(), cell.clone());
        self.spawn(cell.id.clone(), async move { session.pump(&pumped).await });
    }

    /// Has an instance looked at in the background that may have something to do since a record, unless somebody does.
    pub(super) fn wake_for(self: &Arc<Self>, id: &AggregateId, version: Version) {
        if self.cell(id).serve(version) {
            self.wake_stored(id);
        }
    }

    /// Loads an instance in the background, and has its commands sent, should it have any.
    pub(super) fn wake_stored(self: &Arc<Self>, id: &AggregateId) {
        self.works(id);
        let (session, cell) = (self.clone(), self.cell(id));
        self.spawn(id.clone(), async move {
            {
                let mut slot = cell.slot.lock().await;
                session.load(&cell, &mut slot).await?;
                if slot.is_pumped {
                    return Ok(());
                }
                slot.is_pumped = true;
            }
            session.pump(&cell).await
        });
    }

    fn spawn(self: &Arc<Self>, id: AggregateId, pump: impl Future<Output = Result<()>> + Send + 'static) {
        let (session, busy) = (self.clone(), self.monitor.busy_elsewhere());
        let mut pumps = lock(&self.pumps);
        while pumps.try_join_next().is_some() {}
        pumps.spawn(async move {
            let outcome = AssertUnwindSafe(pump).catch_unwind().await;
            let note = match outcome {
                Ok(Ok(())) => None,
                Ok(Err(error)) if is_unreadable(&error) => Some(Note::Unreadable { id, cause: error }),
                Ok(Err(error)) => Some(Note::Broken(error)),
                Err(_) => {
                    let message = "sending the commands of a saga panicked";
                    let error = Error::new(ErrorKind::Internal, "send commands", message);
                    Some(Note::Broken(error.with("instance", &id)))
                }
            };
            // Nobody listens any more where the run is over.
            note.map(|note| session.notes.send(note));
            drop(busy);
        });
    }

    async fn pump(self: &Arc<Self>, cell: &Cell) -> Result<()> {
        loop {
            let work = {
                let mut slot = cell.slot.lock().await;
                let work = self.load(cell, &mut slot).await?.0.work();
                cell.serve(slot.version());
                if work.is_none() && !self.rests(cell, slot.version()) {
                    continue;
                }
                slot.is_pumped = work.is_some() && !self.stop.is_requested();
                work.filter(|_| slot.is_pumped)
            };
            let is_done = match work {
                None => return Ok(()),
                Some(Work::Send(commands)) => self.send(cell, commands).await?,
                Some(Work::Tell(command)) => self.tell(cell, command).await,
            };
            if !is_done {
                cell.slot.lock().await.is_pumped = false;
                return Ok(());
            }
        }
    }

    /// Has the instance told that a command failed; says whether it was.
    async fn tell(&self, cell: &Cell, command: String) -> bool {
        let (told, is_told) = oneshot::channel();
        let note = Note::Failed { id: cell.id.clone(), command, told };
        self.notes.send(note).is_ok() && is_told.await.is_ok()
    }

    /// Sends commands in order, up to the first that fails, and records what came of them; says whether to go on.
    pub(super) async fn send(&self, cell: &Cell, commands: Vec<Queued>) -> Result<bool> {
        let (mut outcomes, mut is_whole) = (Vec::new(), true);
        for queued in &commands {
            let Some(outcome) = self.settle(queued).await? else {
                is_whole = false;
                break;
            };
            let is_failure = outcome.result.is_failure();
            outcomes.push(outcome);
            if is_failure {
                break;
            }
        }
        if let Some(first) = commands.first().filter(|_| !outcomes.is_empty()) {
            self.record(cell, first, Outcomes { outcomes }).await?;
        }
        Ok(is_whole)
    }

    /// Appends outcomes. Where the stream moved on meanwhile they stay true.
    pub(super) async fn record(&self, cell: &Cell, first: &Queued, outcomes: Outcomes) -> Result<()> {
        let cause = Cause { id: first.by.event.clone(), relation: Some(Name::from_static("outcome")) };
        let metadata = Metadata { cause: Some(cause), command_id: None, ..(*first.by.metadata).clone() };
        loop {
            let mut slot = cell.slot.lock().await;
            let (instance, _) = self.load(cell, &mut slot).await?;
            let open: Vec<_> =
                outcomes.outcomes.iter().filter(|outcome| instance.awaits(outcome)).cloned().collect();
            let Some(of) = open.first() else { return Ok(()) };
            // A command has several outcomes where a compensation is tried again.
            let name = format!("{}/outcome/{}/{}", cell.stream, of.command, instance.version);
            let ids = EventIds::caused_by(&first.by.event, &name);
            let record = Record::Outcome(Outcomes { outcomes: open });
            let written =
                self.append(cell, &mut slot, record, [ids.at(0), ids.at(1)], metadata.clone()).await?;
            if let Written::Done = written {
                return Ok(());
            }
        }
    }

    /// Sends one command until its outcome is known; `None` where the saga stops before.
    async fn settle(&self, queued: &Queued) -> Result<Option<CommandOutcome>> {
        let mut attempts = 0;
        loop {
            if self.stop.is_requested() {
                return Ok(None);
            }
            attempts += 1;
            let error = match self.dispatch(queued).await {
                Ok(outcome) => return Ok(Some(CommandOutcome { attempts, ..outcome })),
                Err(error) => error,
            };
            match error.retry() {
                // Neither what is being closed nor what the app was not given says anything about the command: nothing is undone.
                Retry::Never if matches!(error.kind(), ErrorKind::Closed | ErrorKind::Configuration) => {
                    return Err(error);
                }
                Retry::AfterReload | Retry::Later if attempts < self.retry.attempts => {
                    tracing::debug!(%error, command = %queued.command.name, attempts, "a saga's command is tried again");
                    self.back_off(attempts).await;
                }
                _ => {
                    let outcome = of(queued, CommandResult::Failed, Some(error.to_string()), None);
                    return Ok(Some(CommandOutcome { attempts, ..outcome }));
                }
            }
        }
    }

    async fn dispatch(&self, queued: &Queued) -> Result<CommandOutcome, Error> {
        let command = &queued.command;
        // The semaphore is never closed.
        let _permit = self.sending.acquire().await.ok();
        let target = AggregateId::parse(command.target.as_str())?;
        let payload = command.payload.as_str().as_bytes();
        match self
            .dispatch
            .dispatch(command.service.as_deref(), &command.name, target, payload, order(queued))
            .await
        {
            Ok(receipt) => {
                let order_id = (receipt.events > 0).then_some(receipt.order_id.0);
                Ok(of(queued, CommandResult::Done, None, order_id))
            }
            Err(ExecuteError::Rejected(rejection)) => {
                Ok(of(queued, CommandResult::Rejected, Some(rejection.to_string()), None))
            }
            Err(ExecuteError::Failed(error)) => Err(error),
        }
    }

    /// Waits for the next attempt, which is no work that anybody has to wait for.
    async fn back_off(&self, failed: u32) {
        let idle = self.monitor.idle();
        let mut stop = self.stop.clone();
        tokio::select! {
            () = self.runtime.clock.wait_for(self.retry.delay(failed)) => {}
            () = self.monitor.resumed() => {}
            () = stop.requested() => {}
        }
        drop(idle);
    }
}

fn of(
    queued: &Queued,
    result: CommandResult,
    reason: Option<String>,
    order_id: Option<u64>,
) -> CommandOutcome {
    CommandOutcome { command: queued.command.id.clone(), result, attempts: 1, reason, order_id }
}

fn order(queued: &Queued) -> Order {
    let metadata = &queued.by.metadata;
    let caller = Caller {
        correlation_id: metadata.correlation_id.clone(),
        cause: Some(Cause { id: queued.by.event.clone(), relation: Some(Name::from_static("saga")) }),
        actor: metadata.actor.clone(),
        tenant: metadata.tenant.clone(),
        ..Caller::default()
    };
    Order { is_sagas: true, ..Order::new(caller.into()).known_as(queued.command.command_id()) }
}
