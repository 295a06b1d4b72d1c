//! What tests are made of, for Newton's own and for its users'.
//!
//! - [`Scenario`]: given, when, then; an aggregate's, a saga's or a projection's, with laws checked on the way
//! - [`scenario`], [`saga`], [`projection`]: the scenarios of each; [`facts`]: events and commands of several types
//! - [`app`]: a scenario of a whole app, and of every fault on its way
//! - `stage`: what scenarios of whole apps run on, in processes that can die; `idle`: when one has nothing left to run
//! - [`contract`]: the promises of the store traits, as tests for any store
//! - `muon` (feature `muon`): the promises of transports, as tests for any transport
//! - [`clock`]: a clock that tests move
//! - [`faults`]: stores that fail on purpose
//!
#![doc = include_str!("../../docs/testing.md")]

pub mod app;
pub mod clock;
pub mod contract;
pub mod facts;
pub mod faults;
mod idle;
mod kinds;
#[cfg(feature = "muon")]
pub mod muon;
pub mod projection;
pub mod saga;
pub mod scenario;
mod stage;

pub use app::{AppScenario, FaultMatrix};
pub use clock::VirtualClock;
pub use faults::{Fault, Faults};
pub use kinds::{Scenario, ScenarioOf};
pub use projection::ProjectionScenario;
pub use saga::SagaScenario;
pub use scenario::{AggregateScenario, Check};
