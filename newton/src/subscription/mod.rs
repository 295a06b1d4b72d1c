//! Reading a log while it grows, and reacting to it by name.
//!
//! - [`Subscribe`]: which events, from where, and whether to stay; [`Subscription`]: the stream of them
//! - [`Subscriptions`]: opens them over one store, and shares what was read lately
//! - `reaction`: whatever reacts in the background, its type forgotten; `monitor`: how it is doing
//! - [`Lease`]: one node at a time; `ledger`: its place; `segment`: its share; `parking`: what could not be handled
//! - `provided`: what handlers are built from; `stop`: the end of a task

mod lease;
mod ledger;
mod monitor;
mod parking;
mod provided;
mod reaction;
mod segment;
mod stop;
mod subscribe;
#[expect(clippy::module_inception, reason = "the type is what the module is about")]
mod subscription;

pub(crate) use lease::{Lease, Node};
pub(crate) use ledger::{Book, Committed, Failure, Layout, Ledger, Park};
pub(crate) use monitor::Monitor;
pub use monitor::{Phase, Status};
pub(crate) use parking::Parking;
pub use parking::{Dropped, Parked, ParkedKey};
pub use provided::Provided;
pub use reaction::ReactionKind;
pub(crate) use reaction::{Assembly, Reaction, Runtime};
pub(crate) use segment::{Places, Segment};
pub(crate) use stop::{Stop, Stopper};
pub use subscribe::{Start, Subscribe};
pub(crate) use subscription::Batch;
pub use subscription::{Subscription, Subscriptions};
