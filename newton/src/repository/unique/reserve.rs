//! Values of aggregates that were there before their field became unique.
//!
//! A record in the space `unique` for each field says that its values are reserved: written at the first start where
//! there are no aggregates yet, or else by [`Repository::reserve_unique`].

use std::sync::Arc;

use bytes::Bytes;

use super::settle::Taken;
use super::{Settled, Step, all, place, settle};
use crate::domain::{Aggregate, AggregateId, Name, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{Caller, Order, Repository};
use crate::store::{
    Append, EventStore, Expect, StateKey, StateStore, StateWrite, Stores, StreamInfo, Streams,
};

const SPACE: Name = Name::from_static("unique");

/// Aggregates whose values are reserved in one append.
const PAGE: usize = 200;

/// What came of reserving the values of aggregates that were there before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReserveReport {
    /// The aggregates there are.
    pub aggregates: u64,
    /// The values that had not been reserved before.
    pub reserved: u64,
    /// The values that several aggregates have, though they should not.
    pub duplicates: Vec<Duplicate>,
}

/// A value that two aggregates have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The field.
    pub field: &'static str,
    /// The value.
    pub value: String,
    /// The aggregate for which it is reserved.
    pub owner: AggregateId,
    /// The other one. It keeps its value, and nothing is reserved for it.
    pub other: AggregateId,
}

impl<A: Aggregate> Repository<A> {
    /// Reserves the values of aggregates that were there before their field became unique, and reports those that several
    /// have: of these, the first aggregate by id is the owner. May be called again, and while commands are executed.
    ///
    /// # Errors
    /// Those of the store and of decoding. What was reserved before it failed stays so.
    pub async fn reserve_unique(&self, caller: Arc<Caller>) -> Result<ReserveReport> {
        let (retry, mut report) = (self.environment().settings.retry, ReserveReport::default());
        let mut streams =
            Streams { domain: Some(StreamName::parse(A::DOMAIN)?), limit: PAGE, ..Streams::all() };
        loop {
            let page = self.environment().events.streams(streams.clone()).await?;
            let Some(last) = page.last() else { break };
            streams.after = Some(last.name.clone());
            let found = retry.on_conflict(|| self.reserve_page(&page, &caller)).await?;
            report.aggregates += found.aggregates;
            report.reserved += found.reserved;
            report.duplicates.extend(found.duplicates);
        }
        let names = A::UNIQUE.iter().map(|unique| unique.name);
        mark(A::DOMAIN, names, &*self.environment().state).await?;
        Ok(report)
    }

    /// Reserves the values of some aggregates in one append.
    async fn reserve_page(&self, page: &[StreamInfo], caller: &Arc<Caller>) -> Result<ReserveReport> {
        let environment = self.environment();
        let (mut report, mut claims) = (ReserveReport::default(), Vec::new());
        for StreamInfo { name, .. } in page.iter().filter(|stream| !stream.deleted) {
            let id = AggregateId::parse(name.id())?;
            match self.rehydrate(&id, name).await {
                Ok(fold) => claims.extend(all(&fold, &id, Step::Keep)?),
                Err(error) if *error.kind() == ErrorKind::Deleted => continue,
                Err(error) => return Err(error),
            }
            report.aggregates += 1;
        }
        let order = Order::new(caller.clone());
        let Settled { streams, taken } = settle(&claims, &order, environment, self).await?;
        report.duplicates.extend(taken.into_iter().map(|Taken { claim, owner }| {
            let claim = &claims[claim];
            let field = A::UNIQUE[claim.field].name;
            Duplicate { field, value: claim.value.clone(), owner, other: claim.id.clone() }
        }));
        if !streams.is_empty() {
            report.reserved = streams.iter().map(|stream| stream.events.len() as u64).sum();
            let append = Append { streams, condition: None, time: environment.clock.now() };
            environment.events.append(append).await?;
        }
        Ok(report)
    }
}

/// Checks at the start that the store can reserve the values of an aggregate's fields, and says so where there are
/// aggregates whose values were never reserved.
pub(crate) async fn check(domain: &'static str, names: &[&'static str], stores: &Stores) -> Result<()> {
    let Some(first) = names.first() else { return Ok(()) };
    let capability = stores.events.capability();
    if !(capability.multi_stream && capability.expected_versions) {
        let message = format!(
            "`{domain}` declares `{first}` unique, but this store cannot append to several streams at once with \
             expected versions; use one that can, such as SQLite, or remove `#[unique(..)]`"
        );
        return Err(Error::new(ErrorKind::Unsupported, "start", message));
    }
    let mut missing = Vec::new();
    for name in names {
        place::check(domain, name)?;
        if stores.state.get(&key(domain, name)).await?.is_none() {
            missing.push(*name);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let any = Streams { domain: Some(StreamName::parse(domain)?), limit: 1, ..Streams::all() };
    if stores.events.streams(any).await?.is_empty() {
        return mark(domain, missing.into_iter(), &*stores.state).await;
    }
    tracing::warn!(
        aggregate = domain, fields = ?missing,
        "there are aggregates from before these fields were unique, whose values are not reserved; \
         call `app.reserve_unique` for the aggregate once"
    );
    Ok(())
}

/// Notes that the values of these fields are reserved.
async fn mark(domain: &str, names: impl Iterator<Item = &'static str>, state: &dyn StateStore) -> Result<()> {
    let value = Some(Bytes::from_static(b"{}"));
    let writes =
        names.map(|name| StateWrite { key: key(domain, name), expect: Expect::Any, value: value.clone() });
    let writes: Vec<_> = writes.collect();
    if !writes.is_empty() {
        state.write(writes).await?;
    }
    Ok(())
}

fn key(domain: &str, name: &str) -> StateKey {
    StateKey::new(SPACE, format!("{domain}/{name}"))
}
