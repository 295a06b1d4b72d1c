//! Protocol stacks: what two ends of a channel say to each other.
//!
//! - [`ServerStack`]: what serves a protocol; [`Peer`]: whom it serves; [`Outline`]: what it tells of itself
//! - [`rpc`], [`introspect`], [`reactive_stream`], [`event`], [`broadcast`], [`seda`]: one folder each, with a client and a server
//! - [`step`]: what the stacks share about steps and payloads

pub mod broadcast;
pub mod event;
pub mod introspect;
pub mod reactive_stream;
pub mod rpc;
pub mod seda;
pub mod step;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::muon::channel::ChannelEnd;

/// Serves one protocol on channels that others open.
///
/// What one channel meets is not felt by another: an error, even a panic, ends that channel alone.
#[async_trait]
pub trait ServerStack: Debug + Send + Sync + 'static {
    /// The protocol, as messages name it.
    fn protocol(&self) -> &'static str;

    /// What it tells others about itself.
    fn outline(&self) -> Outline;

    /// Whether channels over one shared channel are begun in the order in which the peer opened them: each is served up to its first
    /// wait before the next, so that must be short. Otherwise each begins in a task of its own, in any order.
    fn keeps_order(&self) -> bool {
        false
    }

    /// Serves one channel until it ends. When this returns, the channel is closed.
    ///
    /// # Errors
    /// What made serving impossible: it is logged, and the peer is told of it as the failure of the channel.
    async fn serve(&self, channel: ChannelEnd, peer: Peer) -> Result<()>;
}

/// The service at the other end of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The service that is served.
    pub local: Arc<str>,
    /// The service that asks, as it says itself; nobody has verified it.
    pub origin: Option<Arc<str>>,
}

/// What a stack tells about itself, in the form of the introspect protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outline {
    /// The protocol, as messages name it.
    pub protocol_scheme: String,
    /// Its name for people.
    #[serde(default)]
    pub protocol_name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What can be asked for.
    #[serde(default)]
    pub operations: Vec<Operation>,
}

/// One thing that can be asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its path.
    pub resource: String,
    /// What it does.
    #[serde(default)]
    pub doc: String,
}

impl Outline {
    /// An outline without operations.
    pub fn new(scheme: &str, name: &str, description: &str) -> Self {
        Self {
            protocol_scheme: scheme.to_owned(),
            protocol_name: name.to_owned(),
            description: description.to_owned(),
            operations: Vec::new(),
        }
    }

    /// Adds an operation.
    #[must_use]
    pub fn with(mut self, resource: &str, doc: &str) -> Self {
        self.operations.push(Operation { resource: resource.to_owned(), doc: doc.to_owned() });
        self
    }
}
