//! What tests are made of, for Newton's own and for its users'.
//!
//! - [`scenario`]: given events, when a command, then events; with the laws of event sourcing checked on the way
//! - [`contract`]: the promises of the store traits, as tests for any store
//! - [`clock`]: a clock that tests move
//! - [`faults`]: stores that fail on purpose

pub mod clock;
pub mod contract;
pub mod faults;
pub mod scenario;

pub use clock::VirtualClock;
pub use faults::{Fault, Faults};
pub use scenario::{Check, Scenario};
