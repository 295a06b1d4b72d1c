//! Reading a log while it grows, and reacting to it by name.
#![doc = include_str!("../../docs/subscriptions.md")]
//! # Map
//!
//! - [`Subscribe`]: which events, from where, and whether to stay; [`Subscription`]: the stream of them
//! - [`Subscriptions`]: opens them over one store; `hub`: what those who follow it share; `machine`: where each one is
//! - `reaction`: whatever reacts in the background, its type forgotten; `monitor`: how it is doing
//! - [`Lease`]: one node at a time; `ledger`: its place; `segment`: its share; `parking`: what could not be handled
//! - [`HandlerPolicy`]: what is done about failures; `provided`: what handlers are built from; `stop`: the end of a task

mod calls;
mod hub;
mod lease;
mod ledger;
mod machine;
mod monitor;
mod parking;
mod policy;
mod provided;
mod reaction;
pub(crate) mod segment;
mod stop;
mod subscribe;
#[expect(clippy::module_inception, reason = "the type is what the module is about")]
mod subscription;

pub(crate) use calls::{Called, Calls};
pub use hub::{Recent, Shared};
pub use lease::{Heartbeat, Lease};
pub(crate) use lease::{Membership, Node};
pub(crate) use ledger::{Book, Committed, Failure, Ledger, Park};
pub(crate) use monitor::Monitor;
pub use monitor::{Phase, Status};
pub(crate) use parking::Parking;
pub use parking::{Dropped, Parked, ParkedKey};
pub(crate) use policy::HandlerPolicies;
pub use policy::HandlerPolicy;
pub use provided::Provided;
pub use reaction::ReactionKind;
pub(crate) use reaction::{Assembly, Reaction, Runtime};
pub(crate) use segment::{Segment, Work};
pub(crate) use stop::{Stop, Stopper};
pub use subscribe::{Mode, Start, Subscribe};
pub(crate) use subscription::Batch;
pub use subscription::{Subscription, Subscriptions};
