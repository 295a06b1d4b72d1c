//! Deciding on a batch of commands, on a state that runs ahead of the store.

use crate::domain::{Aggregate, Timestamp};
use crate::error::Result;
use crate::repository::decide::{decide, prepare};
use crate::repository::fold::Fold;
use crate::repository::lane::{Outcome, Request, Turn};
use crate::repository::rehydrate::catch_up;
use crate::repository::unique::{self, Claim};
use crate::repository::{ExecuteError, Receipt, Repository};
use crate::store::{Append, StreamAppend};

/// Events behind which no further command joins an append.
const MOST_EVENTS: usize = 1_024;

/// What came of deciding on one command.
pub(super) enum Verdict<A: Aggregate> {
    /// So many events are to be appended.
    Append(usize),
    /// An answer that writes nothing: a rejection, an empty decision, an error.
    Answer(Outcome<A>),
}

/// A batch decided on a state.
pub(super) struct Decided<A: Aggregate> {
    /// One for each command, unless the batch was cut short.
    pub(super) verdicts: Vec<Verdict<A>>,
    /// The events of all commands: either all are stored, or none, for each was decided on those before.
    pub(super) append: Option<Append>,
    /// What the first command changes of the unique values.
    claims: Vec<Claim>,
    /// The state behind all of it.
    pub(super) fold: Fold<A>,
    /// Whether the batch was cut short, by a panic in `evolve` or a later command with claims: the state is spoiled.
    pub(super) broken: bool,
}

impl<A: Aggregate> Decided<A> {
    fn nothing(fold: Fold<A>) -> Self {
        Self { verdicts: Vec::new(), append: None, claims: Vec::new(), fold, broken: false }
    }

    /// Adds the events of the next command.
    fn push(&mut self, next: StreamAppend, now: Timestamp) {
        match &mut self.append {
            Some(Append { streams, time, .. }) => {
                for known in streams {
                    known.events.extend_from_slice(&next.events);
                }
                *time = now;
            }
            none => *none = Some(Append { streams: vec![next], condition: None, time: now }),
        }
    }

    fn is_full(&self) -> bool {
        self.append.iter().flat_map(|append| &append.streams).any(|stream| stream.events.len() >= MOST_EVENTS)
    }
}

impl<A: Aggregate> Repository<A> {
    /// Decides the batch on a state that is good enough for its answers; gives that state too.
    pub(super) async fn attempt(
        &self,
        turn: &mut Turn<A>,
        batch: &[Request<A>],
    ) -> Result<(Fold<A>, Decided<A>)> {
        self.cache().count(turn.fold.is_some());
        let (mut base, mut fresh) = self.begin(turn).await?;
        loop {
            let mut decided = self.decide_all(&base, turn, batch);
            if !decided.claims.is_empty() && self.claim(&base, &mut decided, batch).await {
                // It was refused after the state was read.
                fresh = false;
            }
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
        let mut decided = Decided::nothing(base.clone());
        decided.verdicts.reserve_exact(batch.len());
        for request in batch {
            let verdict = self.decide_one(turn, request, &mut decided);
            decided.verdicts.extend(verdict);
            if decided.broken || decided.is_full() {
                break;
            }
        }
        decided
    }

    /// Decides on one command; `None` leaves it to the next attempt.
    fn decide_one(
        &self,
        turn: &Turn<A>,
        request: &Request<A>,
        decided: &mut Decided<A>,
    ) -> Option<Verdict<A>> {
        let (environment, order) = (self.environment(), &request.job.order);
        let now = environment.clock.now();
        let decision = decide(&decided.fold, &turn.lane.id, request.job.command.clone(), order, now);
        let events = match decision {
            Ok(events) => events,
            Err(error) => return Some(Verdict::Answer(Err(error))),
        };
        let (events, version) = (events.as_slice(), decided.fold.version);
        if events.is_empty() {
            return Some(Verdict::Answer(Ok(Receipt::nothing(order, version))));
        }
        let append = match prepare(&turn.lane.stream, version, events, order, &environment.settings.service) {
            Ok(append) => append,
            Err(error) => return Some(Verdict::Answer(Err(error.into()))),
        };
        // Folded before it is stored: an event that `evolve` cannot take must never reach the log.
        match unique::apply(&mut decided.fold, &turn.lane.id, events) {
            Ok(claims) if claims.is_empty() || decided.verdicts.is_empty() => decided.claims.extend(claims),
            Ok(_) => {
                decided.broken = true;
                return None;
            }
            Err(error) => {
                decided.broken = true;
                return Some(Verdict::Answer(Err(error.into())));
            }
        }
        decided.push(append, now);
        Some(Verdict::Append(events.len()))
    }

    /// Settles what the first command of a batch claims, in its append. Where that cannot be, because another aggregate has
    /// such a value, the refusal is the command's answer, the rest is left to the next attempt, and this is true.
    async fn claim(&self, base: &Fold<A>, decided: &mut Decided<A>, batch: &[Request<A>]) -> bool {
        let claims = std::mem::take(&mut decided.claims);
        let (Some(first), Some(append)) = (batch.first(), &mut decided.append) else { return false };
        let refusal = match unique::settle(&claims, &first.job.order, self.environment(), self).await {
            Ok(settled) => match settled.taken.first() {
                Some(taken) => unique::rejection::<A>(&claims[taken.claim])
                    .map_or_else(ExecuteError::Failed, ExecuteError::Rejected),
                None => {
                    append.streams.splice(..0, settled.streams);
                    return false;
                }
            },
            Err(error) => error.into(),
        };
        *decided = Decided::nothing(base.clone());
        decided.verdicts.push(Verdict::Answer(Err(refusal)));
        true
    }
}
