//! Working through the commands that wait for one aggregate.
//!
//! A batch is decided command by command on a state that runs ahead of the store, and its appends go out together, each
//! expecting the version the one before leaves. The order of events in an attempt:
//!
//! 1. the state: from the lane, caught up where it is known to be stale, or from the store
//! 2. every command is decided and its events folded; a "no" or "nothing to do" on a state from memory is checked
//!    against the store first
//! 3. unique values that the first command takes or gives up are settled in its append; a later command of the batch that
//!    changes some is left to the next attempt, where it is the first
//! 4. all appends are submitted, and awaited
//! 5. outcomes are answered in order; from the first append that failed on, commands are decided again

use futures_util::future::join_all;
use tracing::Instrument;

use crate::domain::{Aggregate, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::attempt::{Decided, Verdict};
use crate::repository::fold::Fold;
use crate::repository::lane::{Outcome, Request, Turn};
use crate::repository::{Order, Receipt, Repository};
use crate::store::{Append, Appended, EventStore};

/// Requests that are to be decided again, and the conflict that made it so.
struct Again<A: Aggregate> {
    requests: Vec<Request<A>>,
    conflict: Option<Error>,
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
        let mut failed = 0;
        while !batch.is_empty() {
            let again = match self.attempt(turn, &batch).await {
                Ok((base, decided)) => self.submit(turn, base, decided, batch).await,
                Err(error) => return self.refuse(turn, batch, &error).await,
            };
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

    /// Appends what was decided and answers, up to the first failure; the rest is to be decided again.
    async fn submit(
        &self,
        turn: &mut Turn<A>,
        base: Fold<A>,
        decided: Decided<A>,
        batch: Vec<Request<A>>,
    ) -> Again<A> {
        let Decided { verdicts, appends, fold, broken, .. } = decided;
        let mut appended = self.append_all(&turn.lane.stream, appends).await.into_iter();
        let mut verdicts = verdicts.into_iter();
        let mut again = Again { requests: Vec::new(), conflict: None };
        let mut failed = false;
        for request in batch {
            match settled(verdicts.next(), &request.job.order, &mut appended, &mut failed) {
                Settled::Answer(outcome) => {
                    let outcome = self.unless_known(&turn.lane.stream, &request.job.order, outcome).await;
                    request.answer(outcome);
                }
                Settled::Again(conflict) => {
                    again.conflict = again.conflict.or(conflict);
                    again.requests.push(request);
                }
            }
        }
        let intact = !failed && !broken;
        turn.fold = Some(if intact { fold } else { Fold { stale: true, ..base } });
        if intact {
            self.offer_snapshot(turn);
        }
        again
    }

    /// Appends in order; the store may commit them together.
    async fn append_all(&self, stream: &StreamName, mut appends: Vec<Append>) -> Vec<Result<Appended>> {
        if appends.is_empty() {
            return Vec::new();
        }
        let streams = appends.iter().flat_map(|append| &append.streams);
        let span = tracing::info_span!(
            "append",
            messaging.system = "newton",
            messaging.operation.name = "append",
            messaging.operation.type = "send",
            messaging.destination.name = %stream,
            messaging.batch.message_count = streams.map(|stream| stream.events.len()).sum::<usize>(),
        );
        let events = &self.environment().events;
        async {
            match appends.len() {
                1 => vec![events.append(appends.remove(0)).await],
                _ => join_all(appends.into_iter().map(|append| events.append(append))).await,
            }
        }
        .instrument(span)
        .await
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

/// What is to become of a request.
enum Settled<A: Aggregate> {
    Answer(Outcome<A>),
    /// It is decided again; with the conflict, if it is the first that failed.
    Again(Option<Error>),
}

/// What is to become of the next request of a batch, and whether the batch has failed up to here: then what was decided
/// behind it was decided on a state that never came to be.
fn settled<A: Aggregate>(
    verdict: Option<Verdict<A>>,
    order: &Order,
    appended: &mut impl Iterator<Item = Result<Appended>>,
    failed: &mut bool,
) -> Settled<A> {
    match verdict {
        Some(Verdict::Answer(outcome)) if !*failed => Settled::Answer(outcome),
        Some(Verdict::Append(events)) => match appended.next().unwrap_or_else(|| Err(unanswered())) {
            Ok(appended) => {
                *failed |= appended.duplicate;
                let reserved = appended.versions.len().saturating_sub(1);
                Settled::Answer(Ok(Receipt::of(order, &appended, reserved, events)))
            }
            Err(error) => {
                let first = !std::mem::replace(failed, true);
                match error.kind() {
                    ErrorKind::Conflict { .. } => Settled::Again(first.then_some(error)),
                    _ => Settled::Answer(Err(error.into())),
                }
            }
        },
        _ => Settled::Again(None),
    }
}

fn unanswered() -> Error {
    Error::new(
        ErrorKind::Internal,
        "append",
        "the store gave fewer outcomes than appends; report this defect",
    )
}
