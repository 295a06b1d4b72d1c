//! Transports: how a channel gets from one service to another.
//!
//! - [`Transport`]: what each one implements; [`Address`]: whom a channel is opened to
//! - [`Listener`]: the channels that others open; [`Accepted`]: one of them
//! - [`memory`]: inside of one process; with the feature `amqp`, `amqp`: over a RabbitMQ broker
//! - `opened`: the channels that a transport has a part in

#[cfg(feature = "amqp")]
pub mod amqp;
mod listener;
pub mod memory;
mod opened;

use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::muon::channel::ChannelEnd;
use crate::muon::codec::Codecs;
use crate::muon::descriptor::{Descriptor, url_without_secrets};

#[cfg(feature = "amqp")]
pub use amqp::{AmqpOptions, AmqpTransport};
pub use listener::{Accepted, Incoming, Listener};
pub use memory::{MemoryNetwork, MemoryTransport};

/// Whom a channel is opened to, and for what.
#[derive(Clone)]
pub struct Address {
    /// Where: one of the URLs of the service's descriptor.
    pub url: String,
    /// The service's name.
    pub service: Arc<str>,
    /// One instance of the service; any of them if none.
    pub instance: Option<Arc<str>>,
    /// The protocol that is to be spoken.
    pub protocol: Arc<str>,
    /// The service that asks.
    pub origin: Arc<str>,
    /// What the service understands besides JSON.
    pub codecs: Codecs,
}

impl Address {
    /// The address of any instance of a service, which is only known to understand JSON.
    pub fn new(url: &str, service: &str, protocol: &str, origin: &str) -> Self {
        let (service, protocol, origin) = (service.into(), protocol.into(), origin.into());
        Self { url: url.to_owned(), service, instance: None, protocol, origin, codecs: Codecs::json() }
    }

    /// Its URL as it may be shown in errors and logs: without credentials.
    pub fn shown_url(&self) -> String {
        url_without_secrets(&self.url)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("url", &self.shown_url())
            .field("service", &self.service)
            .field("instance", &self.instance)
            .field("protocol", &self.protocol)
            .field("origin", &self.origin)
            .field("codecs", &self.codecs)
            .finish()
    }
}

/// A way from one service to another.
///
/// A channel it gives is bounded, keeps the order of messages, and never fails in silence: a peer that is gone shows
/// as an error at both halves, at the latest after [`silence`](crate::muon::Timings::silence). What one channel meets, bad input
/// above all, is not felt by another.
#[async_trait]
pub trait Transport: Debug + Send + Sync + 'static {
    /// The scheme of the URLs that this transport opens, such as `amqp`.
    fn schemes(&self) -> &'static [&'static str];

    /// Whether channels are dear, so that an instance should open one for each service and share it.
    fn is_shared(&self) -> bool;

    /// The URLs that others reach this transport's listeners at. They carry no credentials.
    fn urls(&self) -> Vec<String>;

    /// Takes the channels that others open to a service, until the listener is dropped or closed. Each is spoken to in JSON
    /// until it speaks another of these codecs, where messages are encoded at all.
    ///
    /// # Errors
    /// `Configuration` where the service cannot be listened for, `Unavailable` where the transport cannot be reached.
    async fn listen(&self, service: &Descriptor, codecs: &Codecs) -> Result<Listener>;

    /// Opens a channel. It is cancel-safe: a channel whose opening was given up leaves nothing behind.
    ///
    /// # Errors
    /// `InvalidInput` for a URL of another transport, `NotFound` where nobody listens, `Unavailable` where the handshake was not
    /// answered in time or the transport cannot be reached.
    async fn open(&self, address: &Address) -> Result<ChannelEnd>;

    /// Ends every listener and channel, and gives back what they held. Doing it twice does nothing.
    async fn close(&self);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let address = Address::new("amqp://ada:secret@broker/v", "bank", "rpc", "shop");
        let shown = format!("{address:?}");
        assert!(shown.contains("amqp://broker/v") && !shown.contains("secret"), "{shown}");
    }
}
