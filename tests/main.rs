//! Newton's promises, one module each, in one binary.

mod commands_once;
mod contract;
mod derives;
mod execute;
mod laws;
mod model;
