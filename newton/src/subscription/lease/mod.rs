//! Leases: each named subscription runs on one node at a time, and a node that comes late cannot write.
//!
//! A node that holds leases raises the beat of its own record in the state store. Whoever wants a lease watches the
//! holder's beat, by its own monotonic clock: once it stood still for the holder's term, the lease is taken over by
//! compare-and-set, with a higher epoch. No two clocks are compared. On the holder's machine nobody waits that long: that
//! the process has ended is seen at once.
//!
//! - [`Lease`]: what a holder has, and writes through
//! - `node`: an app among those that share a store, and how it takes a lease
//! - `members`: the nodes that share something out
//! - `heartbeat`: the one task of a node that renews, looks for losses and gives back
//! - `observer`: how long another node has shown no life; `process`: whether its process is still there
//! - `record`: what is kept in the state store

mod heartbeat;
#[expect(clippy::module_inception, reason = "the type is what the module is about")]
mod lease;
mod members;
mod node;
mod observer;
mod process;
mod record;
mod shared;
#[cfg(test)]
mod tests;

pub use lease::Lease;
pub(crate) use members::Membership;
pub(crate) use node::Node;
pub use shared::Heartbeat;
