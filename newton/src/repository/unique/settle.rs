//! From claims to what is appended beside the events, or to whoever has the value.
//!
//! First everything is given up, then everything is taken, in the order of the claims: so two aggregates can swap their
//! values, and of two that claim the same one the first has it. A reservation whose owner does not hold the value (any
//! more) counts for nothing: one is left behind where a program that does not know the field as unique changes it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::reservation::{RELEASED, RESERVED, Reservation, entry};
use super::{Claim, Step};
use crate::domain::{AggregateId, ExpectedVersion, Metadata, Name, StreamName, Version};
use crate::error::Result;
use crate::repository::{Environment, Order};
use crate::store::{EventStore, StreamAppend};

/// Asks the aggregates behind the reservations.
#[async_trait]
pub(crate) trait Holders: Send + Sync {
    /// Whether an aggregate of the claim's kind holds the claim's value.
    async fn holds(&self, claim: &Claim, id: &AggregateId) -> Result<bool>;
}

/// What came of claims.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// What is to be appended, each stream once.
    pub(crate) streams: Vec<StreamAppend>,
    /// The claims to what others have.
    pub(crate) taken: Vec<Taken>,
}

/// A claim to what another aggregate has.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Its place among the claims.
    pub(crate) claim: usize,
    pub(crate) owner: AggregateId,
}

/// A value that is claimed.
struct Slot {
    reservation: Reservation,
    /// Whether the owner is one by this append.
    changed: bool,
}

/// Settles claims by the present reservations, whose streams must not move until the append.
pub(crate) async fn settle(
    claims: &[Claim],
    order: &Order,
    environment: &Environment,
    holders: &dyn Holders,
) -> Result<Settled> {
    let (mut slots, slot_of) = read(claims, &*environment.events).await?;
    let metadata = &Arc::new(order.metadata(&environment.settings.service));
    let mut settled = Settled::default();
    let numbered = || claims.iter().enumerate();
    for (index, claim) in numbered().filter(|(_, claim)| claim.step == Step::GiveUp) {
        let slot = &mut slots[slot_of[index]];
        if slot.reservation.owner.as_ref() == Some(&claim.id) {
            slot.reservation.owner = None;
            settled.append(claim, RELEASED, slot.reservation.version, order, metadata)?;
        }
    }
    for (index, claim) in numbered().filter(|(_, claim)| claim.step != Step::GiveUp) {
        let slot = &mut slots[slot_of[index]];
        match &slot.reservation.owner {
            Some(owner) if *owner == claim.id && claim.step == Step::Keep => {}
            Some(owner) if *owner != claim.id && (slot.changed || holders.holds(claim, owner).await?) => {
                settled.taken.push(Taken { claim: index, owner: owner.clone() });
            }
            // Its own is reserved again, so that whoever just found it left behind meets a conflict.
            _ => {
                slot.reservation.owner = Some(claim.id.clone());
                slot.changed = true;
                settled.append(claim, RESERVED, slot.reservation.version, order, metadata)?;
            }
        }
    }
    Ok(settled)
}

/// The reservation of each value, and for each claim which of them is its own.
async fn read(claims: &[Claim], events: &dyn EventStore) -> Result<(Vec<Slot>, Vec<usize>)> {
    let mut known: HashMap<(&StreamName, &str), usize> = HashMap::new();
    let mut firsts = Vec::new();
    let slot_of = claims.iter().map(|claim| {
        *known.entry((&claim.place, &claim.value)).or_insert_with(|| {
            firsts.push(claim);
            firsts.len() - 1
        })
    });
    let slot_of = slot_of.collect();
    let reads = firsts.iter().map(|claim| Reservation::read(events, &claim.place, &claim.value));
    let reservations = try_join_all(reads).await?.into_iter();
    Ok((reservations.map(|reservation| Slot { reservation, changed: false }).collect(), slot_of))
}

impl Settled {
    /// Adds an entry to the append to its stream. Of values that share a stream, the one that was read first counts.
    fn append(
        &mut self,
        claim: &Claim,
        event_type: Name,
        version: Version,
        order: &Order,
        metadata: &Arc<Metadata>,
    ) -> Result<()> {
        let known = self.streams.iter().position(|append| append.stream == claim.place);
        let at = known.unwrap_or_else(|| {
            let expected = ExpectedVersion::Exact(version);
            self.streams.push(StreamAppend { stream: claim.place.clone(), expected, events: Vec::new() });
            self.streams.len() - 1
        });
        let append = &mut self.streams[at];
        if matches!(append.expected, ExpectedVersion::Exact(known) if version < known) {
            append.expected = ExpectedVersion::Exact(version);
        }
        let event = entry(claim, event_type, append.events.len(), order, metadata)?;
        append.events.push(event);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemClock;
    use crate::repository::{Caller, Settings};
    use crate::store::{Append, MemoryStore};

    /// Believes every reservation.
    struct Credulous;

    #[async_trait]
    impl Holders for Credulous {
        async fn holds(&self, _: &Claim, _: &AggregateId) -> Result<bool> {
            Ok(true)
        }
    }

    /// A claim to a value whose stream all values share, as if their hashes were the same.
    fn claim(member: &str, value: &str, step: Step) -> Claim {
        let id = AggregateId::parse(member).unwrap();
        let holder = StreamName::of_aggregate("club/Member", &id);
        let place = StreamName::parse("$unique/club/Member/email/%long-0").unwrap();
        Claim { part: 0, field: 0, value: value.to_owned(), step, id, holder, place }
    }

    async fn owner(environment: &Environment, value: &str) -> Option<String> {
        let place = claim("nobody", value, Step::Keep).place;
        let reservation = Reservation::read(&*environment.events, &place, value).await.unwrap();
        reservation.owner.map(|owner| owner.to_string())
    }

    async fn append(environment: &Environment, claims: &[Claim]) {
        let order = Order::new(Arc::new(Caller::new()));
        let settled = settle(claims, &order, environment, &Credulous).await.unwrap();
        assert!(settled.taken.is_empty(), "{:?}", settled.taken);
        let append = Append { streams: settled.streams, condition: None, time: environment.clock.now() };
        environment.events.append(append).await.unwrap();
    }

    #[tokio::test]
    async fn values_that_share_a_stream_are_told_apart() {
        let store = Arc::new(MemoryStore::new());
        let environment = Environment::new(store.clone(), store, Arc::new(SystemClock), Settings::default());
        append(&environment, &[claim("ada", "a", Step::Take), claim("bob", "b", Step::Take)]).await;
        append(&environment, &[claim("ada", "a", Step::GiveUp), claim("ada", "c", Step::Take)]).await;
        append(&environment, &[claim("cleo", "a", Step::Take), claim("cleo", "d", Step::Take)]).await;
        for (value, expected) in
            [("a", Some("cleo")), ("b", Some("bob")), ("c", Some("ada")), ("d", Some("cleo")), ("e", None)]
        {
            assert_eq!(owner(&environment, value).await.as_deref(), expected, "{value}");
        }
        let order = Order::new(Arc::new(Caller::new()));
        let late = [claim("dora", "b", Step::Take)];
        let settled = settle(&late, &order, &environment, &Credulous).await.unwrap();
        assert_eq!(settled.taken[0].owner.as_str(), "bob");
    }

    #[test]
    fn of_two_reads_of_a_stream_the_earlier_must_hold() {
        let (order, metadata) = (Order::new(Arc::new(Caller::new())), Arc::default());
        let mut settled = Settled::default();
        for (value, version) in [("a", 3), ("b", 2), ("c", 4)] {
            let claim = claim("ada", value, Step::Take);
            settled.append(&claim, RESERVED, Version(version), &order, &metadata).unwrap();
        }
        assert_eq!(settled.streams.len(), 1);
        assert_eq!(settled.streams[0].expected, ExpectedVersion::Exact(Version(2)));
    }
}
