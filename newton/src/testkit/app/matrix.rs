//! A scenario with each fault at each operation of the stores, one at a time.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{AppScenario, Settings, end};
use crate::registry::Register;
use crate::testkit::scenario::fail;
use crate::testkit::{Fault, Faults};

/// What a scenario was put through.
#[derive(Clone, Debug)]
#[must_use]
pub struct FaultMatrix {
    /// The operations of the stores in the undisturbed run, in order.
    pub operations: Vec<&'static str>,
    /// How many runs there were with a fault.
    pub runs: usize,
}

impl<T: Register> AppScenario<T> {
    /// Plays a scenario once undisturbed, and then for every operation of its first process on the stores with every
    /// [`Fault`] there: it fails, its answer is lost, it is slow, the process dies before or behind it. Each run must come
    /// to the same end: the same events, and the same instances of sagas. What the scenario expects on its way must hold
    /// in each run too.
    ///
    /// # Panics
    /// Where a run fails or comes to another end, with the operation and the fault.
    #[track_caller]
    pub fn under_every_fault(self, play: impl Fn(Self) -> Self) -> FaultMatrix {
        self.under_some_faults(1, play)
    }

    /// As [`under_every_fault`](Self::under_every_fault), for one in so many pairs of operation and fault: for scenarios
    /// that take too long otherwise.
    ///
    /// # Panics
    /// As [`under_every_fault`](Self::under_every_fault).
    #[track_caller]
    pub fn under_some_faults(self, one_in: usize, play: impl Fn(Self) -> Self) -> FaultMatrix {
        let settings = self.settings;
        let (expected, operations) = run(&settings, &Faults::none(), &play);
        let pairs = (0_u64..).zip(&operations);
        let pairs = pairs.flat_map(|pair| Fault::ALL.into_iter().map(move |fault| (pair, fault)));
        let mut runs = 0;
        for ((number, name), fault) in pairs.step_by(one_in.max(1)) {
            let disturbed =
                catch_unwind(AssertUnwindSafe(|| run(&settings, &Faults::at(number, fault), &play).0));
            let place = format!("with `Fault::{fault:?}` at the operation {number} of the stores, `{name}`");
            match disturbed {
                Ok(actual) if actual == expected => runs += 1,
                Ok(actual) => fail(&format!(
                    "the scenario came to another end {place}\n\nundisturbed:\n{expected}\ndisturbed:\n{actual}"
                )),
                Err(panic) => fail(&format!("the scenario failed {place}\n\n{}", message(&*panic))),
            }
        }
        FaultMatrix { operations, runs }
    }
}

/// One run: its end, and the operations of its first process.
#[track_caller]
fn run<T: Register>(
    settings: &Settings,
    faults: &Faults,
    play: &impl Fn(AppScenario<T>) -> AppScenario<T>,
) -> (String, Vec<&'static str>) {
    let settings = Settings { faults: faults.clone(), ..settings.clone() };
    let mut scenario = play(AppScenario::with_settings(settings));
    let operations = faults.operations();
    let log = scenario.log();
    let text = scenario.must(end::text(&log));
    (text, operations)
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}
