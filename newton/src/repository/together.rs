//! Commands to several aggregates at once: all of them, or none.

use async_trait::async_trait;

use crate::domain::{
    Aggregate, AggregateId, AnyRejection, Command, ExpectedVersion, OrderId, StreamName, Timestamp, Version,
};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::decide::{decide, prepare};
use crate::repository::repository::first_outcome;
use crate::repository::unique::{self, Claim, Holders};
use crate::repository::{Environment, ExecuteError, Order, Receipt, Repository, rejected};
use crate::store::{Append, EventStore, Load, StreamAppend};

/// The outcome of commands whose rejections are of several types.
pub type AnyOutcome = Result<Receipt, ExecuteError<AnyRejection>>;

/// One command among several.
#[async_trait]
pub(crate) trait Part: Send + Sync {
    /// Decides on the present state; `None` where there is nothing to append.
    async fn decide(
        &self,
        order: &Order,
        now: Timestamp,
    ) -> Result<Option<Proposal>, ExecuteError<AnyRejection>>;

    /// Whether an aggregate of this kind holds what a claim is about.
    async fn holds(&self, claim: &Claim, id: &AggregateId) -> Result<bool>;

    /// What the aggregate says where another one has what it claims.
    fn taken(&self, claim: &Claim) -> Result<AnyRejection>;

    /// The stream of the aggregate, and the command's name.
    fn target(&self) -> (StreamName, &'static str);

    /// What this command caused, if it was executed before.
    async fn first_outcome(&self, order: &Order) -> Result<Option<Receipt>>;
}

/// What one of several commands leads to.
pub(crate) struct Proposal {
    append: StreamAppend,
    claims: Vec<Claim>,
}

/// A command and the aggregate it goes to.
pub(crate) struct CommandPart<A: Aggregate> {
    pub(crate) repository: Repository<A>,
    pub(crate) id: AggregateId,
    pub(crate) command: A::Command,
}

#[async_trait]
impl<A: Aggregate> Part for CommandPart<A> {
    async fn decide(
        &self,
        order: &Order,
        now: Timestamp,
    ) -> Result<Option<Proposal>, ExecuteError<AnyRejection>> {
        let mut fold = self.repository.present(&self.id).await?;
        let version = fold.version;
        let decision =
            decide(&fold, &self.id, self.command.clone(), order, now).map_err(ExecuteError::erase)?;
        let events = decision.as_slice();
        if events.is_empty() {
            return Ok(None);
        }
        let claims = unique::apply(&mut fold, &self.id, events)?;
        let service = &self.repository.environment().settings.service;
        let append = prepare(&self.repository.stream(&self.id), version, events, order, service)?;
        Ok(Some(Proposal { append, claims }))
    }

    async fn holds(&self, claim: &Claim, id: &AggregateId) -> Result<bool> {
        self.repository.holds(claim, id).await
    }

    fn taken(&self, claim: &Claim) -> Result<AnyRejection> {
        unique::rejection::<A>(claim).map(AnyRejection::new)
    }

    fn target(&self) -> (StreamName, &'static str) {
        (self.repository.stream(&self.id), self.command.command_type().name)
    }

    async fn first_outcome(&self, order: &Order) -> Result<Option<Receipt>> {
        let stream = self.repository.stream(&self.id);
        first_outcome(&*self.repository.environment().events, &stream, order).await
    }
}

/// Decides on every part and appends all in one; on a conflict, all are decided again, a bounded number of times.
pub(crate) async fn execute_together(
    environment: &Environment,
    parts: &[&dyn Part],
    order: &Order,
) -> AnyOutcome {
    let retry = environment.settings.retry;
    let (mut failed, mut refused_by) = (0, 0);
    let outcome = loop {
        let outcome = attempt(environment, parts, order, &mut refused_by).await;
        let wrote = matches!(&outcome, Ok(receipt) if receipt.events > 0 && !receipt.duplicate);
        let conflict =
            outcome.as_ref().err().and_then(ExecuteError::failure).map(|error| error.kind().clone());
        match conflict {
            Some(ErrorKind::Conflict { .. }) if failed + 1 < retry.attempts => {
                failed += 1;
                tokio::time::sleep(retry.delay(failed)).await;
            }
            _ if order.maybe_known && !wrote => break known(parts, order).await?.map_or(outcome, Ok),
            _ => break outcome,
        }
    };
    if let (Err(ExecuteError::Rejected(rejection)), Some(part)) = (&outcome, parts.get(refused_by)) {
        let (stream, command) = part.target();
        rejected::record(environment, &stream, command, order, rejection).await;
    }
    outcome
}

/// Decides and appends once; `refused_by` is the part of which a rejection is.
async fn attempt(
    environment: &Environment,
    parts: &[&dyn Part],
    order: &Order,
    refused_by: &mut usize,
) -> AnyOutcome {
    let time = environment.clock.now();
    let (mut appends, mut claims) = (Vec::with_capacity(parts.len()), Vec::new());
    for (index, part) in parts.iter().enumerate() {
        *refused_by = index;
        if let Some(Proposal { append, claims: own }) = part.decide(order, time).await? {
            claims.extend(own.into_iter().map(|claim| claim.of_part(index)));
            appends.push(append);
        }
    }
    if appends.is_empty() {
        return Ok(Receipt::nothing(order, Version::EMPTY));
    }
    let events = appends.iter().map(|append| append.events.len()).sum();
    let mut streams = if claims.is_empty() {
        Vec::new()
    } else {
        reserve(environment, parts, order, &claims, &appends, refused_by).await?
    };
    let reserved = streams.len();
    streams.append(&mut appends);
    let appended = environment.events.append(Append { streams, condition: None, time }).await?;
    Ok(Receipt::of(order, &appended, reserved, events))
}

/// What the unique values of all parts add to the append; the rejection of the first part that claims what another
/// aggregate has.
async fn reserve(
    environment: &Environment,
    parts: &[&dyn Part],
    order: &Order,
    claims: &[Claim],
    appends: &[StreamAppend],
    refused_by: &mut usize,
) -> Result<Vec<StreamAppend>, ExecuteError<AnyRejection>> {
    let settled = unique::settle(claims, order, environment, &Parts(parts)).await?;
    let Some(taken) = settled.taken.first() else { return Ok(settled.streams) };
    let claim = &claims[taken.claim];
    // The value was found taken after the states were read: the answer holds only where these are still so.
    for append in appends {
        unmoved(&*environment.events, append).await?;
    }
    *refused_by = claim.part;
    Err(ExecuteError::Rejected(parts[claim.part].taken(claim)?))
}

/// A conflict where a stream is no longer where an append expects it.
async fn unmoved(events: &dyn EventStore, append: &StreamAppend) -> Result<()> {
    let StreamAppend { stream, expected: ExpectedVersion::Exact(version), .. } = append else {
        return Ok(());
    };
    let slice = events.load(Load { stream: stream.clone(), after: *version, limit: 1 }).await?;
    if slice.deleted {
        return Err(Error::deleted("execute together", stream));
    }
    if slice.version != *version {
        return Err(Error::conflict("execute together", stream.clone(), append.expected, slice.version));
    }
    Ok(())
}

/// Asks the aggregates of each part's own kind.
struct Parts<'a>(&'a [&'a dyn Part]);

#[async_trait]
impl Holders for Parts<'_> {
    async fn holds(&self, claim: &Claim, id: &AggregateId) -> Result<bool> {
        self.0[claim.part].holds(claim, id).await
    }
}

async fn known(parts: &[&dyn Part], order: &Order) -> Result<Option<Receipt>> {
    let mut known: Option<Receipt> = None;
    for part in parts {
        let Some(receipt) = part.first_outcome(order).await? else { continue };
        let (order_id, events) =
            known.as_ref().map_or((OrderId::START, 0), |known| (known.order_id, known.events));
        let first = known.unwrap_or_else(|| receipt.clone());
        known = Some(Receipt {
            order_id: order_id.max(receipt.order_id),
            events: events + receipt.events,
            ..first
        });
    }
    Ok(known)
}
