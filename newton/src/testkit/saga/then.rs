//! What is expected of a saga.

use std::fmt::Debug;

use super::SagaScenario;
use super::outside::Sent;
use super::world::Effects;
use crate::saga::{Saga, SagaStatus, Surveyed};
use crate::testkit::facts::{ExpectedCommand, IntoSent, sent_text};

impl<S: Saga> SagaScenario<S> {
    /// Expects that exactly these commands were sent in the present step, in this order: one, an array, a `Vec` or a tuple,
    /// each as it is or as `(target, command)`. What makes good what was done is not among them. The order does not matter
    /// where several instances sent some.
    ///
    /// # Panics
    /// Where others were sent, and where a [check](crate::testkit::Check) fails.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_sends(mut self, commands: impl IntoSent) -> Self {
        self.expect_sent(false, commands.into_sent(), "other commands than expected");
        self
    }

    /// Expects that nothing was sent in the present step.
    ///
    /// # Panics
    /// As [`then_sends`](Self::then_sends).
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_sends_nothing(mut self) -> Self {
        self.expect_sent(false, Vec::new(), "commands were sent, but none were expected");
        self
    }

    /// Expects that exactly these commands were sent in the present step to make good what was done, the last thing first.
    ///
    /// # Panics
    /// As [`then_sends`](Self::then_sends).
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_compensates(mut self, commands: impl IntoSent) -> Self {
        self.expect_sent(true, commands.into_sent(), "other compensations than expected");
        self
    }

    /// Expects this state of the instance.
    ///
    /// # Panics
    /// Where it is another one, there is no instance, or several and none was [named](Self::instance).
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "expectations are written in place")]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_state(mut self, expected: S) -> Self
    where
        S: Debug + PartialEq,
    {
        let effects = self.checked_effects();
        let state = self.instance_of(&effects).state.clone();
        let actual = S::decode_state(state.as_bytes()).unwrap_or_else(|error| {
            self.fail_with(&format!("the state cannot be read: {error}"), &format!("{expected:#?}"), &state)
        });
        if actual != expected {
            self.fail_with("the state is another one", &format!("{expected:#?}"), &format!("{actual:#?}"));
        }
        self
    }

    /// Expects that the instance has ended by itself, with all of its commands done.
    ///
    /// # Panics
    /// Where it has not.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_ended(self) -> Self {
        self.then_status(SagaStatus::Ended)
    }

    /// Expects that the instance is there on its way: running, ended, compensated.
    ///
    /// # Panics
    /// Where it is elsewhere.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_status(mut self, expected: SagaStatus) -> Self {
        let effects = self.checked_effects();
        let actual = self.instance_of(&effects).status;
        if actual != expected {
            self.fail_with(
                "the instance is not there on its way",
                &format!("{expected:?}"),
                &format!("{actual:?}"),
            );
        }
        self
    }

    /// Expects that no event has started an instance.
    ///
    /// # Panics
    /// Where one has.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_not_started(mut self) -> Self {
        let effects = self.checked_effects();
        if !effects.instances.is_empty() {
            self.fail_with("an instance was started, but none was expected", "no instance", &effects.text());
        }
        self
    }

    /// Expects that a handler failed, so that its instance is parked, and hands the reason to assertions of the test's own.
    ///
    /// # Panics
    /// Where nothing is parked.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_parked_with(mut self, assertions: impl FnOnce(&str)) -> Self {
        let outcome = self.world.effects();
        let effects = self.must(outcome);
        match effects.parked.first() {
            Some(cause) => assertions(cause),
            None => self.fail_with("nothing is parked", "a parked instance", &effects.text()),
        }
        self
    }

    #[track_caller]
    fn expect_sent(&mut self, compensations: bool, expected: Vec<ExpectedCommand>, headline: &str) {
        let effects = self.checked_effects();
        let is_compensation = |sent: &Sent| {
            effects.instances.values().any(|instance| instance.compensations.contains(&sent.id))
        };
        let of_step = effects.sent.iter().skip(self.before);
        let mut actual: Vec<&Sent> = of_step.filter(|sent| is_compensation(sent) == compensations).collect();
        let mut expected = expected;
        if senders(&effects, &actual) > 1 {
            actual.sort_by_key(|sent| (sent_text(None, &sent.name, &sent.json), sent.target.clone()));
            expected.sort_by_key(ExpectedCommand::rank);
        }
        let text = |(index, sent): (usize, &&Sent)| {
            let with_target = expected.get(index).is_none_or(ExpectedCommand::has_target);
            sent_text(with_target.then_some(&*sent.target), &sent.name, &sent.json)
        };
        let actual: Vec<String> = actual.iter().enumerate().map(text).collect();
        let expected: Vec<String> = expected.iter().map(ExpectedCommand::text).collect();
        if actual != expected {
            self.fail_with(headline, &listed(&expected), &listed(&actual));
        }
        for command in &actual {
            self.script.line("then", command);
        }
    }

    /// What came of the script so far, once it was checked.
    #[track_caller]
    fn checked_effects(&mut self) -> Effects {
        let outcome = self.world.effects();
        let effects = self.must(outcome);
        if let Some(parked) = effects.parked.first() {
            self.fail_with(
                &format!("a handler failed, so the instance is parked: {parked}"),
                "nothing parked",
                parked,
            );
        }
        self.check(&effects);
        effects
    }

    #[track_caller]
    fn instance_of<'a>(&self, effects: &'a Effects) -> &'a Surveyed {
        let keys = || effects.instances.keys().cloned().collect::<Vec<_>>();
        match &self.key {
            Some(key) => effects.instances.get(key).unwrap_or_else(|| {
                self.fail_with("there is no such instance", key, &listed(&keys()));
            }),
            None if effects.instances.len() == 1 => effects
                .instances
                .values()
                .next()
                .unwrap_or_else(|| self.fail_with("no instance", "one", "none")),
            None => self.fail_with(
                "there is not exactly one instance; name the one that is meant with `.instance(key)`",
                "one instance",
                &listed(&keys()),
            ),
        }
    }
}

/// How many instances sent some commands.
fn senders(effects: &Effects, sent: &[&Sent]) -> usize {
    let sends = |instance: &&Surveyed| {
        instance.commands.iter().any(|(command, _)| sent.iter().any(|sent| sent.id == command.id))
    };
    effects.instances.values().filter(sends).count()
}

fn listed(lines: &[String]) -> String {
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}
