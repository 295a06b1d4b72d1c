//! Message-based APIs between services: channels, transports, discovery and protocol stacks.
#![doc = include_str!("../../docs/muon.md")]
//! # Map
//!
//! - [`message`]: the envelope; [`codec`]: its form on the wire, and the limits of what is taken from there
//! - [`channel`]: two-ended channels and what wraps them
//! - [`transport`]: how channels get from one service to another
//! - [`descriptor`], [`discovery`]: which services run, and where
//! - [`protocol`]: what is said on a channel
//! - [`instance`]: a service that listens and calls; [`Timings`]: how long it waits; `named`: what a process finds by name;
//!   `secret`: how secrets are shown

pub mod channel;
pub mod codec;
pub mod descriptor;
pub mod discovery;
pub mod instance;
pub mod message;
mod named;
pub mod protocol;
pub(crate) mod secret;
mod timings;
pub mod transport;

pub use channel::{ChannelEnd, Receiver, Sender};
pub use codec::Limits;
pub use descriptor::Descriptor;
pub use discovery::{Discovery, DiscoveryExt};
pub use instance::{Builder, Muon, RemoteService};
pub use message::{ChannelOp, ContentType, Message, Status};
pub use protocol::{Peer, ServerStack};
pub use timings::Timings;
pub use transport::{Address, Transport};
