//! Newton's promises, one module each, in one binary.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod commands_once;
mod contract;
mod derives;
mod execute;
mod flaws;
mod laws;
mod model;
mod sqlite;
#[cfg(test)]
mod aggregates;
#[cfg(test)]
mod derives;
#[cfg(test)]
mod registry;
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test panics")]

mod contract;
mod derives;
mod house;
mod readme;
mod scenario;
