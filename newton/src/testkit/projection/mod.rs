//! Scenarios of projections: given events, then a view.
//!
//! - [`ProjectionScenario`]: the steps
//! - [`Sighted`]: what can be seen of a projection, by where its data is
//! - `check`: further runs, in which events come in other batches, or again

mod check;
mod sight;
mod world;

pub use sight::Sighted;

use std::marker::PhantomData;

use crate::projection::Projection;
use crate::registry::Register;
use crate::subscription::Provided;
use crate::testkit::facts::{Fact, IntoFacts};
use crate::testkit::scenario::check::{Check, Checks};
use crate::testkit::scenario::fail;
use crate::testkit::scenario::report::Script;
use world::World;

/// A test of one projection, written as a sentence.
///
/// The projection runs as it does in an app, on a store in memory; one in SQLite has a file of its own. Each expectation
/// gives it the events so far in other batches, with and without a new start between them, and once more by a rebuild: see
/// [`Check::Batches`] and [`Check::Redelivery`].
///
/// ```
/// use newton::prelude::*;
/// use newton::testkit::Scenario;
///
/// #[derive(Event, Clone)]
/// enum AccountEvent { Deposited { amount: u64 } }
///
/// #[derive(Projection, Debug, Default, PartialEq)]
/// #[projection(handles(AccountEvent))]
/// struct Total { money: u64 }
///
/// impl On<AccountEvent> for Total {
///     fn on(&mut self, event: &AccountEvent, _: &mut View) -> Result<()> {
///         let AccountEvent::Deposited { amount } = event;
///         self.money += amount;
///         Ok(())
///     }
/// }
///
/// Scenario::<Total>::given([AccountEvent::Deposited { amount: 2 }, AccountEvent::Deposited { amount: 3 }])
///     .then(|view| assert_eq!(view.money, 5))
///     .when(AccountEvent::Deposited { amount: 1 })
///     .then(|view| assert_eq!(view.money, 6));
/// ```
pub struct ProjectionScenario<P> {
    facts: Vec<Fact>,
    /// How many events were checked.
    checked: usize,
    checks: Checks,
    script: Script,
    provided: Provided,
    projection: PhantomData<fn() -> P>,
}

impl<P> ProjectionScenario<P>
where
    P: Projection + Register,
    P::Context<'static>: Sighted<P>,
{
    /// A projection that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            facts: Vec::new(),
            checked: 0,
            checks: Checks::default(),
            script: Script::default(),
            provided: Provided::default(),
            projection: PhantomData,
        }
    }

    /// A projection that has seen these events: one, an array, a `Vec`, or a tuple of events of any types.
    #[must_use]
    pub fn given(events: impl IntoFacts) -> Self {
        Self::new().and_given(events)
    }

    /// Further events.
    #[must_use]
    pub fn and_given(self, events: impl IntoFacts) -> Self {
        self.events("given", events)
    }

    /// Further events, for the reader.
    #[must_use]
    pub fn when(self, events: impl IntoFacts) -> Self {
        self.events("when", events)
    }

    /// Switches a check off.
    #[must_use]
    pub fn without(mut self, check: Check) -> Self {
        self.checks.switch_off(check);
        self
    }

    /// Gives the projection a value for its field of that type, as [`Builder::provide`](crate::app::Builder::provide).
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.provided.insert(value);
        self
    }

    /// Hands what the projection shows to assertions of the test's own: its value where it is in memory, a connection that
    /// cannot write where it is in SQLite.
    ///
    /// # Panics
    /// Where a handler fails, and where a [check](Check) does.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then(mut self, assertions: impl FnOnce(&<P::Context<'static> as Sighted<P>>::Sight)) -> Self {
        let mut world = self.must(World::<P>::given(&self.provided, &[&self.facts]));
        self.must_be_whole(&mut world);
        let outcome = world.look(assertions);
        self.must(outcome);
        self.check(&mut world);
        self
    }

    fn events(mut self, label: &str, events: impl IntoFacts) -> Self {
        for fact in events.into_facts() {
            self.script.line(label, &fact.text());
            self.facts.push(fact);
        }
        self
    }

    #[track_caller]
    fn must_be_whole(&self, world: &mut World<P>) {
        let outcome = world.parked();
        if let Some(cause) = self.must(outcome).first() {
            self.fail_with(
                &format!("a handler failed, so its event is parked: {cause}"),
                "nothing parked",
                cause,
            );
        }
    }

    /// What must not fail.
    #[track_caller]
    fn must<T>(&self, outcome: crate::Result<T>) -> T {
        outcome.unwrap_or_else(|error| self.fail_with(&error.to_string(), "no failure", "a failure"))
    }

    #[track_caller]
    fn fail_with(&self, headline: &str, expected: &str, actual: &str) -> ! {
        let sides = [("expected", expected.to_owned()), ("actual", actual.to_owned())];
        fail(&self.script.report(P::NAME, headline, &sides))
    }
}

#[cfg(feature = "sqlite")]
impl<P> ProjectionScenario<P>
where
    P: crate::projection::SqliteProjection + Register,
    P::Context<'static>: Sighted<P, Sight = crate::projection::rusqlite::Connection>,
{
    /// Expects exactly these rows of a query, in this order: each as its values, in the form in which SQLite writes them in
    /// SQL without quotes, and `NULL`.
    ///
    /// # Panics
    /// As [`then`](Self::then), and where there are other rows.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_rows<const N: usize, const C: usize>(self, sql: &str, rows: [[&str; C]; N]) -> Self {
        let mut found = Ok(Vec::new());
        let scenario = self.then(|tables| found = sight::rows(tables, sql));
        let line = |row: &[String]| row.join(" | ");
        let actual = match &found {
            Ok(rows) => rows.iter().map(|row| line(row)).collect::<Vec<_>>().join("\n"),
            Err(error) => error.to_string(),
        };
        let expected: Vec<String> = rows.iter().map(|row| line(&row.map(ToOwned::to_owned))).collect();
        if found.is_err() || actual != expected.join("\n") {
            scenario.fail_with(
                &format!("other rows than expected from `{sql}`"),
                &expected.join("\n"),
                &actual,
            );
        }
        scenario
    }
}

impl<P> Default for ProjectionScenario<P>
where
    P: Projection + Register,
    P::Context<'static>: Sighted<P>,
{
    fn default() -> Self {
        Self::new()
    }
}
