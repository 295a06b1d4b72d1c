//! Which scenario a type has, by what it is.

use crate::domain::Aggregate;
use crate::projection::Projection;
use crate::registry::{Register, kind};
use crate::saga::Saga;
use crate::testkit::{AggregateScenario, ProjectionScenario, SagaScenario};

/// A test of one aggregate, saga or projection, written as a sentence: an [`AggregateScenario`], a [`SagaScenario`] or a
/// [`ProjectionScenario`], by what the type is.
pub type Scenario<T> = <<T as Register>::Kind as ScenarioOf<T>>::Scenario;

/// A kind of types that has scenarios.
#[diagnostic::on_unimplemented(
    message = "there is no scenario of `{T}`",
    label = "scenarios are of aggregates, sagas and projections; for several types take an `AppScenario`"
)]
pub trait ScenarioOf<T> {
    /// The scenario.
    type Scenario;
}

impl<A: Aggregate> ScenarioOf<A> for kind::Aggregate {
    type Scenario = AggregateScenario<A>;
}

impl<S: Saga> ScenarioOf<S> for kind::Saga {
    type Scenario = SagaScenario<S>;
}

impl<P: Projection> ScenarioOf<P> for kind::Projection {
    type Scenario = ProjectionScenario<P>;
}
