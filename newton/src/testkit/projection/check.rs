//! Further runs of a projection, which must show the same.

use super::world::World;
use super::{ProjectionScenario, Sighted};
use crate::error::Result;
use crate::projection::Projection;
use crate::registry::Register;
use crate::testkit::facts::Fact;
use crate::testkit::scenario::check::{Check, Violation};
use crate::testkit::scenario::fail;

/// Up to so many events are cut into batches in every way; of more only some ways are tried.
const ALL_WAYS: usize = 5;

/// So many of the ways are tried where there are more.
const SOME_WAYS: usize = 16;

impl<P> ProjectionScenario<P>
where
    P: Projection + Register,
    P::Context<'static>: Sighted<P>,
{
    /// Gives the events to the projection in other ways.
    #[track_caller]
    pub(super) fn check(&mut self, world: &mut World<P>) {
        if self.facts.is_empty() || self.facts.len() == self.checked {
            return;
        }
        if self.checks.is_on(Check::Batches) {
            for cuts in ways(self.facts.len()) {
                let batches = cut(&self.facts, cuts);
                let sizes: Vec<_> = batches.iter().map(|batch| batch.len()).collect();
                let place = format!("with batches of {sizes:?} events");
                self.compare(Check::Batches, place, world, World::given(&self.provided, &batches));
            }
            let place = "when it was started again behind each event".to_owned();
            self.compare(Check::Batches, place, world, self.with_restarts());
        }
        if self.checks.is_on(Check::Redelivery) {
            let rebuilt = World::given(&self.provided, &[&self.facts])
                .and_then(|mut other| other.rebuild().map(|()| other));
            let place = "when every event was delivered again by a rebuild".to_owned();
            self.compare(Check::Redelivery, place, world, rebuilt);
        }
        self.checked = self.facts.len();
    }

    /// A run in which the process dies behind each event.
    fn with_restarts(&self) -> Result<World<P>> {
        let mut world = World::given(&self.provided, &[])?;
        for fact in &self.facts {
            world.append(std::slice::from_ref(fact))?;
            world.restart()?;
        }
        Ok(world)
    }

    #[track_caller]
    fn compare(&self, check: Check, place: String, world: &World<P>, other: Result<World<P>>) {
        let contents = self.must(world.contents());
        let again = self.must(self.must(other).contents());
        if contents == again {
            return;
        }
        let text = <P::Context<'static>>::text;
        let sides = [("at once", text(&contents)), ("otherwise", text(&again))];
        fail(&self.script.violation(P::NAME, &Violation { check, place, sides }));
    }
}

/// Ways to cut so many events, each as the set of the places between two events where it cuts.
fn ways(events: usize) -> Vec<u64> {
    let places = (events - 1).min(63);
    let all = (1_u64 << places) - 1;
    if events <= ALL_WAYS {
        return (1..=all).collect();
    }
    // Each event alone, one cut in each place in turn, and others that follow from a fixed rule.
    let single = (0..places).map(|place| 1 << place);
    let mixed = (1_u64..).take(SOME_WAYS - 1).map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15) & all);
    std::iter::once(all).chain(single.take(SOME_WAYS)).chain(mixed).filter(|cuts| *cuts != 0).collect()
}

fn cut(facts: &[Fact], cuts: u64) -> Vec<&[Fact]> {
    let (mut batches, mut begin) = (Vec::new(), 0);
    for end in 1..facts.len() {
        if end <= 63 && cuts >> (end - 1) & 1 == 1 {
            batches.push(&facts[begin..end]);
            begin = end;
        }
    }
    batches.push(&facts[begin..]);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_events_are_cut_in_every_way_and_many_in_some() {
        assert_eq!(ways(1), Vec::<u64>::new());
        assert_eq!(ways(3), [1, 2, 3]);
        assert_eq!(ways(5).len(), 15);
        assert!((20..40).contains(&ways(30).len()) && ways(200).len() < 40);
    }
}
