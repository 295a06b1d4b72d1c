//! The command bus: from a command to the repository of its aggregate, through middleware.
//!
//! - [`Bus`]: finds the handler, by type for callers in Rust, by name for all others
//! - [`middleware`]: what sees every command first: validation, authorization, retry
//! - `handler`: a repository whose type is forgotten; `together`: several commands at once

mod dispatch;
mod handler;
pub mod middleware;
mod together;

pub(crate) use dispatch::Bus;
pub(crate) use handler::CommandHandler;
pub use middleware::{CommandMessage, Middleware, Next};
pub(crate) use together::GuardedPart;
