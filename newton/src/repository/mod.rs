//! Aggregates over a store: load, decide, append.
//!
//! - [`Repository`]: the door; [`execute`](Repository::execute), [`load`](Repository::load) and their like
//! - `lane`: the commands of one aggregate queue in the process instead of fighting; `run`: and are appended together
//! - `decide`, `attempt`: from a command, or a batch of them, to unwritten appends; `together`: the same over several aggregates at once
//! - `dispatch`: commands that are known by name only, for whoever stands below the bus
//! - `cache`: a bounded number of folded states; `rehydrate`: snapshot and tail into a state
//! - [`snapshot`]: when they are due, how they are written off the hot path, and the audit
//! - [`history`], [`updates`]: one aggregate's events and states as streams
//! - `rejected`: commands to which an aggregate said no, recorded where that is asked for
//! - [`unique`]: values that no two aggregates of a kind may have; `delete`: the tombstone, and what it gives up

mod attempt;
mod cache;
mod caller;
mod decide;
mod delete;
mod dispatch;
mod environment;
mod fold;
pub mod history;
mod lane;
mod outcome;
mod rehydrate;
mod rejected;
#[expect(clippy::module_inception, reason = "the type is what the module is about")]
mod repository;
mod retry;
mod run;
pub mod snapshot;
mod together;
pub mod unique;
pub mod updates;

pub use cache::CacheStats;
pub use caller::Caller;
pub(crate) use caller::Order;
pub(crate) use dispatch::Dispatch;
pub use environment::{Environment, Settings};
pub(crate) use fold::panic_text;
pub use history::Recorded;
pub use outcome::{ExecuteError, Loaded, Receipt};
pub(crate) use rejected::Rejected;
pub use repository::Repository;
pub use retry::RetryPolicy;
pub use snapshot::{AuditStats, SnapshotDue, SnapshotPolicy};
pub use together::AnyOutcome;
pub(crate) use together::{CommandPart, Part, execute_together};
pub use unique::{Duplicate, ReserveReport};
