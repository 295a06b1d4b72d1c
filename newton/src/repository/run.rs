//! Working through the commands that wait for one aggregate.
//!
//! A batch is decided command by command on a state that runs ahead of the store, and its appends go out together, each
//! expecting the version the one before leaves. The order of events in an attempt:
//!
//! 1. the state: from the lane, caught up where it is known to be stale, or from the store
//! 2. every command is decided and its events folded; a "no" or "nothing to do" on a state from memory is checked
//!    against the store first
//! 3. all appends are submitted, and awaited
//! 4. outcomes are answered in order; from the first append that failed on, commands are decided again

use futures_util::future::join_all;
use tracing::Instrument;

use crate::domain::{Aggregate, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::decide::{decide, prepare};
use crate::repository::fold::Fold;
use crate::repository::lane::{Outcome, Request, Turn};
use crate::repository::rehydrate::catch_up;
use crate::repository::{Order, Receipt, Repository};
use crate::store::{Append, Appended, EventStore};

/// What came of deciding on one command.
enum Verdict<A: Aggregate> {
    /// So many events are to be appended.
    Append(usize),
    /// An answer that writes nothing: a rejection, an empty decision, an error.
    Answer(Outcome<A>),
}

/// A batch decided on a state.
struct Decided<A: Aggregate> {
    /// One for each command, unless a panic cut the batch short.
    verdicts: Vec<Verdict<A>>,
    appends: Vec<Append>,
    /// The state behind all of it.
    fold: Fold<A>,
    /// Whether `evolve` panicked, which ends the batch and spoils the state.
    broken: bool,
}

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

    /// Decides the batch on a state that is good enough for its answers; gives that state too.
    async fn attempt(&self, turn: &mut Turn<A>, batch: &[Request<A>]) -> Result<(Fold<A>, Decided<A>)> {
        self.cache().count(turn.fold.is_some());
        let (mut base, mut fresh) = self.begin(turn).await?;
        loop {
            let decided = self.decide_all(&base, turn, batch);
            // An answer behind an append needs no check: the append's expected version is one.
            let unproven = matches!(decided.verdicts.first(), Some(Verdict::Answer(_))) && !fresh;
            if !unproven {
                return Ok((base, decided));
            }
            let version = base.version;
            catch_up(&mut base, &turn.lane.stream, self.environment()).await?;
            if base.version == version {
                return Ok((base, decided));
            }
            fresh = true;
        }
    }

    /// The state to decide on, and whether the store was just asked.
    async fn begin(&self, turn: &mut Turn<A>) -> Result<(Fold<A>, bool)> {
        let known = turn.fold.take().filter(|fold| fold.epoch == self.cache().epoch());
        let Some(mut fold) = known else {
            return Ok((self.rehydrate(&turn.lane.id, &turn.lane.stream).await?, true));
        };
        let stale = std::mem::take(&mut fold.stale);
        if stale {
            catch_up(&mut fold, &turn.lane.stream, self.environment()).await?;
        }
        Ok((fold, stale))
    }

    fn decide_all(&self, base: &Fold<A>, turn: &Turn<A>, batch: &[Request<A>]) -> Decided<A> {
        let verdicts = Vec::with_capacity(batch.len());
        let mut decided = Decided { verdicts, appends: Vec::new(), fold: base.clone(), broken: false };
        for request in batch {
            let verdict = self.decide_one(turn, request, &mut decided);
            decided.verdicts.push(verdict);
            if decided.broken {
                break;
            }
        }
        decided
    }

    fn decide_one(&self, turn: &Turn<A>, request: &Request<A>, decided: &mut Decided<A>) -> Verdict<A> {
        let (environment, order) = (self.environment(), &request.job.order);
        let now = environment.clock.now();
        let decision = decide(&decided.fold, &turn.lane.id, request.job.command.clone(), order, now);
        let events = match decision {
            Ok(events) => events,
            Err(error) => return Verdict::Answer(Err(error)),
        };
        let (events, version) = (events.as_slice(), decided.fold.version);
        if events.is_empty() {
            return Verdict::Answer(Ok(Receipt::nothing(order, version)));
        }
        let append = match prepare(&turn.lane.stream, version, events, order, &environment.settings.service) {
            Ok(append) => append,
            Err(error) => return Verdict::Answer(Err(error.into())),
        };
        // Folded before it is stored: an event that `evolve` cannot take must never reach the log.
        if let Err(error) = decided.fold.apply(events) {
            decided.broken = true;
            return Verdict::Answer(Err(error.into()));
        }
        decided.appends.push(Append { streams: vec![append], condition: None, time: now });
        Verdict::Append(events.len())
    }

    /// Appends what was decided and answers, up to the first failure; the rest is to be decided again.
    async fn submit(
        &self,
        turn: &mut Turn<A>,
        base: Fold<A>,
        decided: Decided<A>,
        batch: Vec<Request<A>>,
    ) -> Again<A> {
        let Decided { verdicts, appends, fold, broken } = decided;
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
                Settled::Answer(Ok(Receipt::of(order, &appended, events)))
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
