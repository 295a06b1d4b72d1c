//! What all contestants share: the bank account, the works, the process protocol and the measuring.
//!
//! - [`bank`]: the domain, two pure functions
//! - [`contestant`]: what a store and framework must offer to take part
//! - [`work`]: the works as data, and what a measurement gives
//! - [`drive`]: runs a work on a contestant
//! - [`serve`](fn@serve): the main loop of a contestant's process
//! - [`syncs`]: counts what really reaches the disk

pub mod bank;
pub mod contestant;
pub mod drive;
mod serve;
pub mod syncs;
pub mod work;

pub use contestant::{Contestant, Outcome, Place};
pub use serve::{Roster, serve};

/// Whatever goes wrong ends the run with its text.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
