//! An instance of Muon: a service that listens on its transports, is known by its discovery, and calls others.
//!
//! - [`Muon`]: the running instance; [`Builder`]: what it is put together of
//! - [`RemoteService`]: another service, as this one sees it
//! - `serving`: the channels that others open; `links`: the ways to others; `tasks`: what runs in the background

mod builder;
mod links;
mod remote;
mod serving;
mod tasks;

use std::sync::Arc;

use self::links::Links;
use self::tasks::Tasks;
use crate::error::Result;
use crate::muon::channel::ChannelEnd;
use crate::muon::descriptor::Descriptor;
use crate::muon::discovery::{Discovery, DiscoveryExt, Several};
use crate::muon::protocol::broadcast::{self, Audience, Notice};
use crate::muon::timings::Timings;

pub use builder::Builder;
pub use remote::RemoteService;

/// A running service. Clones are the same one; it ends with [`shutdown`](Self::shutdown), or at once when all clones are dropped.
///
/// ```
/// use newton::muon::{Muon, transport::MemoryNetwork, discovery::MemoryDiscovery};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let (network, discovery) = (MemoryNetwork::new(), MemoryDiscovery::new());
/// let bank = Muon::builder("bank")
///     .tag("money").transport(network.transport()).discovery(discovery.clone()).start().await?;
/// let shop = Muon::builder("shop").transport(network.transport()).discovery(discovery).start().await?;
///
/// let found = shop.service_with_tags(&["money"]).await?;
/// assert_eq!(found.introspect().await?.service_name, "bank");
/// bank.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Muon(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    descriptor: Descriptor,
    discovery: Several,
    links: Links,
    tasks: Tasks,
    timings: Timings,
}

impl Muon {
    /// Puts a service together. Its name has 3 or more characters.
    pub fn builder(service: impl Into<String>) -> Builder {
        Builder::new(service.into())
    }

    /// What others see of it.
    pub fn descriptor(&self) -> &Descriptor {
        &self.0.descriptor
    }

    /// Which services run.
    pub fn discovery(&self) -> &dyn Discovery {
        &self.0.discovery
    }

    /// How long it waits.
    pub fn timings(&self) -> &Timings {
        &self.0.timings
    }

    /// A service, for which this waits as long as discovery takes.
    ///
    /// # Errors
    /// `NotFound` where no instance of it is known by then.
    pub async fn service(&self, name: &str) -> Result<RemoteService> {
        let limit = self.0.timings.discovery;
        let found = self.0.discovery.wait_for(limit, |known| known.identifier == name).await;
        let found = found.map_err(|error| error.with("service", name))?;
        Ok(RemoteService::new(self.clone(), found.identifier))
    }

    /// A service that has all of these tags, for which this waits as long as discovery takes.
    ///
    /// # Errors
    /// `NotFound` where none is known by then.
    pub async fn service_with_tags(&self, tags: &[&str]) -> Result<RemoteService> {
        let limit = self.0.timings.discovery;
        let found = self.0.discovery.wait_for(limit, |known| known.has_tags(tags)).await;
        let found = found.map_err(|error| error.with("tags", tags.join(", ")))?;
        Ok(RemoteService::new(self.clone(), found.identifier))
    }

    /// Opens a channel to any instance of a service, over the first of its URLs that works.
    ///
    /// # Errors
    /// `NotFound` where no instance is known, `Unsupported` where this instance has no transport for its URLs; the last error where none
    /// of them works.
    pub async fn channel_to(&self, service: &str, protocol: &str) -> Result<ChannelEnd> {
        self.0.links.open(&self.0.discovery.named(service), service, protocol).await
    }

    /// Tells every instance of an audience, except this one, and returns how many could be told. Nothing comes back.
    pub async fn broadcast(&self, audience: &Audience, notice: &Notice) -> usize {
        let listeners = match audience {
            Audience::Service(name) => self.0.discovery.named(name),
            Audience::Tag(tag) => self.0.discovery.tagged(&[tag]),
        };
        let mut told = 0;
        for listener in listeners.iter().filter(|listener| !listener.is_same_instance(self.descriptor())) {
            let channel = self.0.links.open_instance(listener, broadcast::PROTOCOL).await;
            let sent = match &channel {
                Ok(channel) => broadcast::tell(channel, notice).await,
                Err(error) => Err(error.duplicate()),
            };
            match sent {
                Ok(()) => told += 1,
                Err(error) => tracing::warn!(service = listener.identifier, %error, "a notice was lost"),
            }
        }
        told
    }

    /// How many channels of others are served now.
    pub fn served_channels(&self) -> usize {
        self.0.tasks.served()
    }

    /// Ends in good order: nobody finds it any more, channels that are open get [`Timings::shutdown`] to end by themselves, and
    /// everything is given back. Doing it twice does nothing.
    pub async fn shutdown(&self) {
        if let Err(error) = self.0.discovery.retract(self.descriptor()).await {
            tracing::warn!(%error, "others could not be told of the end of this service; they find out by its silence");
        }
        self.0.tasks.finish(self.0.timings.shutdown).await;
        self.0.links.close().await;
        self.0.discovery.close().await;
    }
}
