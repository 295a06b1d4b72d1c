//! Scenarios of sagas: given events, when another or when time has passed, then commands.
//!
//! - [`SagaScenario`]: the steps; `then`: what is expected of them
//! - `world`: one run of them; `outside`: what stands in for the aggregates
//! - `check`: further runs, in which the process dies or events come again

mod check;
mod outside;
mod then;
mod world;

use std::time::Duration;

use crate::domain::Command;
use crate::error::Result;
use crate::saga::Saga;
use crate::testkit::Faults;
use crate::testkit::facts::{Fact, IntoExpected, IntoFacts};
use crate::testkit::scenario::check::{Check, Checks};
use crate::testkit::scenario::fail;
use crate::testkit::scenario::report::Script;
use crate::testkit::stage::Place;
use outside::rule_of;
use world::{Step, World};

/// A test of one saga, written as a sentence.
///
/// The saga runs as it does in an app, on a store in memory; what it sends is taken down and answered with "done", unless
/// the test [rejects](Self::rejecting) it. Time stands still until the test lets it pass, and then goes from one timer to
/// the next: hours take milliseconds. Each expectation runs the script so far again, with a crash before and behind
/// everything that the saga writes or sends, and with every event delivered twice: see [`Check::Crashes`] and
/// [`Check::Duplicates`].
///
/// ```
/// use std::time::Duration;
/// use newton::prelude::*;
/// use newton::testkit::Scenario;
///
/// #[derive(Event, Clone)]
/// enum OrderEvent {
///     Placed { #[tag] order: String },
///     Paid { #[tag] order: String },
/// }
///
/// #[derive(Command, Clone)]
/// enum ParcelCommand { Pack { order: String }, Cancel { order: String } }
///
/// # #[derive(Event, Clone)]
/// # enum ParcelEvent { Packed }
/// # #[derive(Rejection, Debug)]
/// # enum ParcelError { Never }
/// # #[derive(Aggregate, Clone, Debug, Default)]
/// # #[aggregate(context = "docs")]
/// # struct Parcel;
/// # impl Parcel {
/// #     fn decide(&self, _: ParcelCommand) -> Result<ParcelEvent, ParcelError> { Ok(ParcelEvent::Packed) }
/// #     fn evolve(&mut self, _: &ParcelEvent) {}
/// # }
/// #[derive(Saga, Clone, Debug, Default, PartialEq)]
/// #[saga(context = "docs", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent, Deadline))]
/// struct Packing { paid: bool }
///
/// impl On<OrderEvent> for Packing {
///     fn on(&mut self, event: &OrderEvent, flow: &mut Flow) -> Result<()> {
///         match event {
///             OrderEvent::Placed { .. } => flow.after(Duration::from_secs(3600), "payment"),
///             OrderEvent::Paid { order } => {
///                 self.paid = true;
///                 flow.cancel("payment");
///                 flow.send(order, ParcelCommand::Pack { order: order.clone() });
///                 flow.end();
///             }
///         }
///         Ok(())
///     }
/// }
///
/// impl On<Deadline> for Packing {
///     fn on(&mut self, _: &Deadline, flow: &mut Flow) -> Result<()> {
///         flow.send(flow.key(), ParcelCommand::Cancel { order: flow.key().into() });
///         flow.end();
///         Ok(())
///     }
/// }
///
/// let (placed, paid) = (OrderEvent::Placed { order: "7".into() }, OrderEvent::Paid { order: "7".into() });
/// Scenario::<Packing>::given(placed.clone())
///     .when(paid)
///     .then_sends(ParcelCommand::Pack { order: "7".into() })
///     .then_state(Packing { paid: true })
///     .then_ended();
/// Scenario::<Packing>::given(placed)
///     .after(Duration::from_secs(3600))
///     .then_sends([("7", ParcelCommand::Cancel { order: "7".into() })])
///     .then_ended();
/// ```
pub struct SagaScenario<S> {
    world: World<S>,
    place: Place,
    steps: Vec<Step>,
    checks: Checks,
    /// The operations up to here were checked.
    checked: usize,
    /// The commands up to here were sent before the present step.
    before: usize,
    key: Option<String>,
    script: Script,
}

impl<S: Saga> SagaScenario<S> {
    /// A saga without instances.
    ///
    /// # Panics
    /// Where it cannot run.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        Self::on(Place::Memory)
    }

    /// As [`new`](Self::new), on an SQLite file of its own.
    ///
    /// # Panics
    /// Where there cannot be such a file.
    #[cfg(feature = "sqlite")]
    #[must_use]
    #[track_caller]
    pub fn on_sqlite() -> Self {
        Self::on(Place::Sqlite)
    }

    /// A saga that has taken in these events: one, an array, a `Vec`, or a tuple of events of any types.
    ///
    /// # Panics
    /// Where it cannot run.
    #[must_use]
    #[track_caller]
    pub fn given(events: impl IntoFacts) -> Self {
        Self::new().and_given(events)
    }

    /// Further events.
    ///
    /// # Panics
    /// Where an event cannot be stored.
    #[must_use]
    #[track_caller]
    pub fn and_given(self, events: impl IntoFacts) -> Self {
        self.events("given", events)
    }

    /// Switches a check off.
    #[must_use]
    pub fn without(mut self, check: Check) -> Self {
        self.checks.switch_off(check);
        self
    }

    /// Means the instance of this key in the expectations that follow. Where there is only one, it need not be named.
    #[must_use]
    pub fn instance(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// From now on rejects the commands of a type for which `reject` gives a reason.
    #[must_use]
    #[track_caller]
    pub fn rejecting<C: Command>(
        mut self,
        reject: impl Fn(&C) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let step = Step::Rule(rule_of::<C>(move |command| reject(command).map(ToOwned::to_owned)));
        self.script.line("given", "some commands are rejected");
        self.play(step);
        self
    }

    /// From now on rejects this command, whomever it is sent to, for this reason.
    #[must_use]
    #[track_caller]
    pub fn when_rejected<C: Command>(mut self, command: C, reason: &'static str) -> Self {
        let text = command.into_expected().text();
        self.script.line("given", &format!("rejected, {reason}: {text}"));
        let step = Step::Rule(rule_of::<C>(move |other| {
            (other.clone().into_expected().text() == text).then(|| reason.to_owned())
        }));
        self.play(step);
        self
    }

    /// Has events happen, one after the other. What is sent because of them is what the step is asked for.
    ///
    /// # Panics
    /// Where an event cannot be stored.
    #[must_use]
    #[track_caller]
    pub fn when(self, events: impl IntoFacts) -> Self {
        self.events("when", events)
    }

    /// Lets time pass. What is sent meanwhile is what the step is asked for.
    #[must_use]
    #[track_caller]
    pub fn after(mut self, duration: Duration) -> Self {
        self.script.line("after", &format!("{duration:?}"));
        self.begin();
        self.play(Step::After(duration));
        self
    }

    #[track_caller]
    fn on(place: Place) -> Self {
        let world = World::new(place, Faults::none()).unwrap_or_else(|error| fail(&error.to_string()));
        Self {
            world,
            place,
            steps: Vec::new(),
            checks: Checks::default(),
            checked: 0,
            before: 0,
            key: None,
            script: Script::default(),
        }
    }

    #[track_caller]
    fn events(mut self, label: &str, events: impl IntoFacts) -> Self {
        self.begin();
        for fact in events.into_facts() {
            self.script.line(label, &Fact::text(&fact));
            self.play(Step::Event(fact));
        }
        self
    }

    /// Begins a step of which commands are expected.
    fn begin(&mut self) {
        self.before = self.world.outside.sent().len();
    }

    #[track_caller]
    fn play(&mut self, step: Step) {
        let played = self.world.play(&step);
        self.steps.push(step);
        self.must(played);
    }

    /// What must not fail.
    #[track_caller]
    fn must<T>(&self, outcome: Result<T>) -> T {
        outcome.unwrap_or_else(|error| self.fail_with(&error.to_string(), "no failure", "a failure"))
    }

    #[track_caller]
    fn fail_with(&self, headline: &str, expected: &str, actual: &str) -> ! {
        let sides = [("expected", expected.to_owned()), ("actual", actual.to_owned())];
        fail(&self.script.report(&format!("{}.{}", S::CONTEXT, S::NAME), headline, &sides))
    }
}

impl<S: Saga> Default for SagaScenario<S> {
    fn default() -> Self {
        Self::new()
    }
}
