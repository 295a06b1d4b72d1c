//! Commands to several aggregates at once: all of them, or none.

use async_trait::async_trait;

use crate::domain::{Aggregate, AggregateId, AnyRejection, OrderId, Timestamp, Version};
use crate::error::{ErrorKind, Result};
use crate::repository::decide::{decide, prepare};
use crate::repository::repository::first_outcome;
use crate::repository::{Environment, ExecuteError, Order, Receipt, Repository};
use crate::store::{Append, EventStore, StreamAppend};

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
    ) -> Result<Option<StreamAppend>, ExecuteError<AnyRejection>>;

    /// What this command caused, if it was executed before.
    async fn first_outcome(&self, order: &Order) -> Result<Option<Receipt>>;
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
    ) -> Result<Option<StreamAppend>, ExecuteError<AnyRejection>> {
        let mut fold = self.repository.present(&self.id).await?;
        let version = fold.version;
        let decision =
            decide(&fold, &self.id, self.command.clone(), order, now).map_err(ExecuteError::erase)?;
        let events = decision.as_slice();
        if events.is_empty() {
            return Ok(None);
        }
        fold.apply(events)?;
        let service = &self.repository.environment().settings.service;
        Ok(Some(prepare(&self.repository.stream(&self.id), version, events, order, service)?))
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
    let mut failed = 0;
    loop {
        let outcome = attempt(environment, parts, order).await;
        let wrote = matches!(&outcome, Ok(receipt) if receipt.events > 0 && !receipt.duplicate);
        let conflict =
            outcome.as_ref().err().and_then(ExecuteError::failure).map(|error| error.kind().clone());
        match conflict {
            Some(ErrorKind::Conflict { .. }) if failed + 1 < retry.attempts => {
                failed += 1;
                tokio::time::sleep(retry.delay(failed)).await;
            }
            _ if order.maybe_known && !wrote => return known(parts, order).await?.map_or(outcome, Ok),
            _ => return outcome,
        }
    }
}

async fn attempt(environment: &Environment, parts: &[&dyn Part], order: &Order) -> AnyOutcome {
    let time = environment.clock.now();
    let mut streams = Vec::with_capacity(parts.len());
    for part in parts {
        streams.extend(part.decide(order, time).await?);
    }
    if streams.is_empty() {
        return Ok(Receipt::nothing(order, Version::EMPTY));
    }
    let events = streams.iter().map(|stream| stream.events.len()).sum();
    let appended = environment.events.append(Append { streams, condition: None, time }).await?;
    Ok(Receipt::of(order, &appended, events))
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
