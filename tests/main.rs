//! Newton's promises, one module each, in one binary.

mod commands_once;
mod contract;
mod derives;
mod execute;
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod contract;
mod derives;
mod flaws;
mod laws;
mod model;
mod sqlite;
