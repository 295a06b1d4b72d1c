//! The test kit: scenarios of sagas, projections and whole apps pass where they should, and fail where they must.

mod apps;
mod faults;
mod journeys;
mod projections;
mod retries;
mod sagas;
mod shop;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a scenario that must fail says.
fn report(scenario: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(scenario)).expect_err("the scenario must fail");
    *panic.downcast::<String>().unwrap()
}
