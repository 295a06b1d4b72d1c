//! What came of a command in a scenario.

use std::fmt::Debug;

use super::{AggregateScenario, IntoEvents, fail};
use crate::domain::Aggregate;

/// What came of a command, waiting for what the test expects of it.
#[must_use = "say what is expected with `then`, `then_rejected`, `then_nothing` or `then_state`"]
pub struct Outcome<A: Aggregate> {
    pub(super) scenario: AggregateScenario<A>,
    pub(super) result: Result<Vec<A::Event>, A::Rejection>,
}

impl<A> Outcome<A>
where
    A: Aggregate<Event: Debug + PartialEq> + Debug + PartialEq,
{
    /// Expects exactly these events, in this order.
    ///
    /// # Panics
    /// Where the command was rejected or gave other events.
    #[track_caller]
    pub fn then(self, events: impl IntoEvents<A::Event>) -> AggregateScenario<A> {
        let expected = events.into_events();
        match &self.result {
            Ok(actual) if *actual == expected => self.go_on(),
            Ok(_) => self.fail("other events than expected", event_list(&expected)),
            Err(_) => self.fail("rejected, but events were expected", event_list(&expected)),
        }
    }

    /// Expects that the command is accepted and nothing happens.
    ///
    /// # Panics
    /// Where the command was rejected or gave events.
    #[track_caller]
    pub fn then_nothing(self) -> AggregateScenario<A> {
        self.then(Vec::new())
    }

    /// Expects exactly this rejection.
    ///
    /// # Panics
    /// Where the command was accepted, or rejected with another one.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "expectations are written in place")]
    pub fn then_rejected(self, rejection: A::Rejection) -> AggregateScenario<A>
    where
        A::Rejection: PartialEq,
    {
        let expected = format!("rejected: {rejection:#?}");
        match &self.result {
            Err(actual) if *actual == rejection => self.go_on(),
            Err(_) => self.fail("another rejection than expected", expected),
            Ok(_) => self.fail("accepted, but a rejection was expected", expected),
        }
    }

    /// Expects a rejection and hands it to assertions of the test's own.
    ///
    /// # Panics
    /// Where the command was accepted.
    #[track_caller]
    pub fn then_rejected_with(self, assertions: impl FnOnce(&A::Rejection)) -> AggregateScenario<A> {
        match &self.result {
            Err(rejection) => assertions(rejection),
            Ok(_) => self.fail("accepted, but a rejection was expected", "a rejection".into()),
        }
        self.go_on()
    }

    /// Expects that the command is accepted and leads to this state.
    ///
    /// # Panics
    /// Where the command was rejected or the state is another one.
    #[track_caller]
    pub fn then_state(self, expected: A) -> AggregateScenario<A> {
        self.accepted().then_state(expected)
    }

    /// Expects that the command is accepted, and hands the state to assertions of the test's own.
    ///
    /// # Panics
    /// Where the command was rejected.
    #[track_caller]
    pub fn then_state_with(self, assertions: impl FnOnce(&A)) -> AggregateScenario<A> {
        self.accepted().then_state_with(assertions)
    }

    #[track_caller]
    fn accepted(self) -> AggregateScenario<A> {
        match self.result {
            Ok(_) => self.go_on(),
            Err(_) => self.fail("rejected, but a state was expected", "accepted".into()),
        }
    }

    fn go_on(mut self) -> AggregateScenario<A> {
        self.scenario.script.outcome(&self.result);
        self.scenario
    }

    #[track_caller]
    fn fail(&self, headline: &str, expected: String) -> ! {
        let actual = match &self.result {
            Ok(events) => event_list(events),
            Err(rejection) => format!("rejected: {rejection:#?}"),
        };
        fail(&self.scenario.script.report(A::DOMAIN, headline, &[("expected", expected), ("actual", actual)]))
    }
}

/// Events in order, one below the other.
fn event_list<E: Debug>(events: &[E]) -> String {
    if events.is_empty() {
        return "nothing".into();
    }
    events.iter().map(|event| format!("{event:#?}")).collect::<Vec<_>>().join("\n")
}
