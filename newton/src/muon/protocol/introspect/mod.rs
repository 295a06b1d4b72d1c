//! introspect: what a service offers, told by itself.
//!
//! - [`Introspection`]: what is told; [`introspect`](fn@introspect): the client; [`IntrospectServer`]: the server

mod client;
mod server;

use serde::{Deserialize, Serialize};

use super::Outline;

pub use client::introspect;
pub use server::IntrospectServer;

/// The protocol, as messages name it.
pub const PROTOCOL: &str = "introspect";

const REQUESTED: &str = "introspectionRequested";
const RESPONSE: &str = "introspectResponse";

/// What a service tells about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Introspection {
    /// The service's name.
    pub service_name: String,
    /// The protocols it serves.
    #[serde(default)]
    pub protocols: Vec<Outline>,
}

impl Introspection {
    /// Whether the service serves a protocol.
    pub fn offers(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|outline| outline.protocol_scheme == protocol)
    }
}
