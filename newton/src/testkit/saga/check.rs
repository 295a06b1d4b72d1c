//! Further runs of a saga's script, which must come to the same.

use super::SagaScenario;
use super::world::{Effects, World};
use crate::error::Result;
use crate::saga::Saga;
use crate::testkit::scenario::check::{Check, Violation};
use crate::testkit::scenario::fail;
use crate::testkit::{Fault, Faults};

/// The operations behind which the process may have written or sent something.
const EFFECTS: [&str; 3] = ["append", "write state", "dispatch"];

impl<S: Saga> SagaScenario<S> {
    /// Runs the script so far again, with what may happen to a process on its way.
    #[track_caller]
    pub(super) fn check(&mut self, effects: &Effects) {
        let operations = self.world.stage.faults().operations();
        if operations.len() == self.checked {
            return;
        }
        if self.checks.is_on(Check::Crashes) {
            for (number, name) in operations.iter().enumerate().skip(self.checked) {
                if !EFFECTS.contains(name) {
                    continue;
                }
                for (fault, word) in [(Fault::CrashBefore, "before"), (Fault::CrashAfter, "behind")] {
                    let faults = Faults::at(number as u64, fault);
                    let outcome = self.again(faults, false);
                    let again = self.must(outcome);
                    let place =
                        format!("after a crash {word} the operation {number} of the stores, `{name}`");
                    self.compare(Check::Crashes, place, effects, &again);
                }
            }
        }
        if self.checks.is_on(Check::Duplicates) {
            let outcome = self.again(Faults::none(), true);
            let again = self.must(outcome);
            self.compare(Check::Duplicates, "when every event came again".to_owned(), effects, &again);
        }
        self.checked = operations.len();
    }

    /// Runs the script so far with these faults; in the end every event may be delivered again.
    fn again(&self, faults: Faults, deliver_again: bool) -> Result<Effects> {
        let mut world = World::<S>::new(self.place, faults)?;
        for step in &self.steps {
            world.play(step)?;
        }
        if deliver_again {
            world.stage.deliver_again()?;
        }
        world.effects()
    }

    #[track_caller]
    fn compare(&self, check: Check, place: String, effects: &Effects, again: &Effects) {
        let (expected, actual) = (effects.text(), again.text());
        if expected == actual {
            return;
        }
        let sides = [("undisturbed", expected), ("disturbed", actual)];
        let violation = Violation { check, place, sides };
        fail(&self.script.violation(&format!("{}.{}", S::CONTEXT, S::NAME), &violation));
    }
}
