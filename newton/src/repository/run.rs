//! Working through the commands that wait for one aggregate.
//!
//! A batch is decided command by command on a state that runs ahead of the store, and what comes of it is one append: a
//! command whose events are stored must never have been decided behind one whose are not. Where one command spoils it for
//! the others, say because it was executed before, each goes alone. The order of events in an attempt:
//!
//! 1. the state: from the lane, caught up where it is known to be stale, or from the store
//! 2. every command is decided and its events folded; a "no" or "nothing to do" on a state from memory is checked
//!    against the store first
//! 3. unique values that the first command takes or gives up are settled in its append; a later command of the batch that
//!    changes some is left to the next attempt, where it is the first
//! 4. the append is submitted, and awaited
//! 5. outcomes are answered in order; after a conflict, from the first command with events on, they are decided again

use tracing::Instrument;

use crate::domain::{Aggregate, OrderId, StreamName, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::attempt::{Decided, Verdict};
use crate::repository::fold::Fold;
use crate::repository::lane::{Outcome, Request, Turn};
use crate::repository::{ExecuteError, Order, Receipt, Repository};
use crate::store::{Append, Appended, EventStore};

/// Requests that are to be decided again.
struct Again<A: Aggregate> {
    requests: Vec<Request<A>>,
    /// What made it so, unless they were just left for later.
    conflict: Option<Error>,
    /// Whether they spoil it for each other.
    alone: bool,
}

impl<A: Aggregate> Repository<A> {
    /// Works through one batch, and leaves what came meanwhile to a task of its own.
    pub(crate) async fn run(self, mut turn: Turn<A>) {
        let batch = turn.take(self.cache());
        self.settle(&mut turn, batch).await;
        let next = turn.take(self.cache());
        if !next.is_empty() {
            tokio::spawn(self.run_on(turn, next));
        }
    }

    async fn run_on(self, mut turn: Turn<A>, mut batch: Vec<Request<A>>) {
        while !batch.is_empty() {
            self.settle(&mut turn, batch).await;
            // Those just answered may have more to ask: let them, so that it shares the next commit.
            tokio::task::yield_now().await;
            batch = turn.take(self.cache());
        }
    }

    /// Answers every request of a batch.
    async fn settle(&self, turn: &mut Turn<A>, mut batch: Vec<Request<A>>) {
        let retry = self.environment().settings.retry;
        let (mut failed, mut alone) = (0, false);
        while !batch.is_empty() {
            let mut rest = if alone { batch.split_off(1) } else { Vec::new() };
            let mut again = match self.attempt(turn, &batch).await {
                Ok((base, decided)) => self.submit(turn, base, decided, batch).await,
                Err(error) => {
                    batch.append(&mut rest);
                    return self.refuse(turn, batch, &error).await;
                }
            };
            again.requests.append(&mut rest);
            alone |= again.alone;
            if let Some(conflict) = again.conflict {
                failed += 1;
                if failed >= retry.attempts {
                    return self.refuse(turn, again.requests, &conflict.with("attempts", failed)).await;
                }
                tokio::time::sleep(retry.delay(failed)).await;
            }
            batch = again.requests;
        }
    }

    /// Appends what was decided and answers; what is left is to be decided again.
    async fn submit(
        &self,
        turn: &mut Turn<A>,
        base: Fold<A>,
        decided: Decided<A>,
        batch: Vec<Request<A>>,
    ) -> Again<A> {
        let Decided { verdicts, append, fold, broken, .. } = decided;
        let writers = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Append(_))).count();
        let mut written = match append {
            Some(append) => Written::of(self.append(&turn.lane.stream, append).await, writers, base.version),
            None => Written::Nothing,
        };
        let mut verdicts = verdicts.into_iter();
        let mut again =
            Again { requests: Vec::new(), conflict: None, alone: matches!(written, Written::Spoiled) };
        let mut failed = false;
        for request in batch {
            match settled(verdicts.next(), &request.job.order, &mut written, &mut failed) {
                Some(outcome) => {
                    let outcome = self.unless_known(&turn.lane.stream, &request.job.order, outcome).await;
                    request.answer(outcome);
                }
                None => again.requests.push(request),
            }
        }
        let intact = !failed && !broken;
        turn.fold = Some(if intact { fold } else { Fold { stale: true, ..base } });
        if intact {
            self.offer_snapshot(turn);
        }
        if let Written::Conflict(error) = written {
            again.conflict = Some(error);
        }
        again
    }

    async fn append(&self, stream: &StreamName, append: Append) -> Result<Appended> {
        let span = tracing::info_span!(
            "append",
            messaging.system = "newton",
            messaging.operation.name = "append",
            messaging.operation.type = "send",
            messaging.destination.name = %stream,
            messaging.batch.message_count = append.streams.iter().map(|stream| stream.events.len()).sum::<usize>(),
        );
        self.environment().events.append(append).instrument(span).await
    }

    /// Ends requests that cannot be decided, unless they were executed before.
    async fn refuse(&self, turn: &Turn<A>, batch: Vec<Request<A>>, error: &Error) {
        for request in batch {
            let outcome = Err(error.duplicate().into());
            let outcome = self.unless_known(&turn.lane.stream, &request.job.order, outcome).await;
            request.answer(outcome);
        }
    }
}

/// What came of the append of a batch.
enum Written {
    /// No command decided on any event.
    Nothing,
    /// It is stored; with the version behind the commands answered so far, and how many of its events are not.
    Stored {
        version: Version,
        order_id: OrderId,
        unanswered: usize,
        duplicate: bool,
    },
    /// A stream moved on.
    Conflict(Error),
    /// One command spoils it for the others.
    Spoiled,
    Failed(Error),
}

impl Written {
    /// From the outcome of an append of so many commands behind `base`.
    fn of(outcome: Result<Appended>, writers: usize, base: Version) -> Self {
        match outcome {
            Ok(Appended { duplicate: true, .. }) if writers > 1 => Self::Spoiled,
            Ok(appended) => {
                let last = appended.versions.last().copied().unwrap_or_default();
                let unanswered = usize::try_from(last.0.saturating_sub(base.0)).unwrap_or_default();
                let (order_id, duplicate) = (appended.order_id, appended.duplicate);
                // What one command wrote long ago is wherever the store says.
                let version = if duplicate { last } else { base };
                Self::Stored { version, order_id, unanswered, duplicate }
            }
            Err(error) => match error.kind() {
                ErrorKind::Conflict { .. } => Self::Conflict(error),
                ErrorKind::IdReused { .. } | ErrorKind::InvalidInput | ErrorKind::TooLarge if writers > 1 => {
                    Self::Spoiled
                }
                _ => Self::Failed(error),
            },
        }
    }

    /// The receipt of the next command, of so many events.
    fn receipt(&mut self, order: &Order, events: usize) -> Option<Result<Receipt>> {
        match self {
            Self::Stored { version, order_id, unanswered, duplicate } => {
                if !*duplicate {
                    *version = version.plus(events as u64);
                    *unanswered = unanswered.saturating_sub(events);
                }
                // Order ids rise: this one is at or behind the command's last event, and not behind the append's.
                let behind = if *duplicate { 0 } else { *unanswered as u64 };
                let order_id = OrderId(order_id.0.saturating_sub(behind));
                let nothing = Receipt::nothing(order, *version);
                Some(Ok(Receipt { order_id, events, duplicate: *duplicate, ..nothing }))
            }
            Self::Failed(error) => Some(Err(error.duplicate())),
            Self::Nothing | Self::Conflict(_) | Self::Spoiled => None,
        }
    }
}

/// The outcome of the next request of a batch; `None` where it is to be decided again. What was decided behind a command
/// whose events are not stored now was decided on a state that never came to be: that command has `failed`.
fn settled<A: Aggregate>(
    verdict: Option<Verdict<A>>,
    order: &Order,
    written: &mut Written,
    failed: &mut bool,
) -> Option<Outcome<A>> {
    match verdict? {
        Verdict::Answer(outcome) => (!*failed).then_some(outcome),
        Verdict::Append(events) => {
            let receipt = written.receipt(order, events);
            *failed |= !matches!(&receipt, Some(Ok(receipt)) if !receipt.duplicate);
            receipt.map(|receipt| receipt.map_err(ExecuteError::from))
        }
    }
}
