//! The server's side of introspect.

use async_trait::async_trait;

use super::super::{Outline, Peer, ServerStack, step};
use super::{Introspection, PROTOCOL, REQUESTED, RESPONSE};
use crate::error::Result;
use crate::muon::channel::ChannelEnd;

/// Tells what a service offers. An instance adds it by itself.
#[derive(Clone, Debug)]
pub struct IntrospectServer {
    outlines: Vec<Outline>,
}

impl IntrospectServer {
    /// Tells of these protocols, and of itself.
    pub fn new(outlines: impl IntoIterator<Item = Outline>) -> Self {
        Self { outlines: outlines.into_iter().chain([own_outline()]).collect() }
    }
}

fn own_outline() -> Outline {
    Outline::new(PROTOCOL, "Introspection", "Tells what the service offers")
}

#[async_trait]
impl ServerStack for IntrospectServer {
    fn protocol(&self) -> &'static str {
        PROTOCOL
    }

    fn outline(&self) -> Outline {
        own_outline()
    }

    async fn serve(&self, mut channel: ChannelEnd, peer: Peer) -> Result<()> {
        let Some(message) = channel.recv().await? else { return Ok(()) };
        if message.step != REQUESTED {
            return Err(step::unexpected(&message));
        }
        let answer = Introspection { service_name: peer.local.to_string(), protocols: self.outlines.clone() };
        channel.send(message.answer(RESPONSE, step::json(&answer)).closing()).await
    }
}
