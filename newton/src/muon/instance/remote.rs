//! Another service, as an instance sees it.

use super::Muon;
use crate::error::Result;
use crate::muon::channel::ChannelEnd;
use crate::muon::descriptor::Descriptor;
use crate::muon::discovery::DiscoveryExt;
use crate::muon::protocol::introspect::{self, Introspection, introspect};
use crate::muon::protocol::reactive_stream::{self, Subscription, subscribe};
use crate::muon::protocol::rpc::{self, Request, Response};
use crate::muon::protocol::seda::{self, SedaClient};
use crate::muon::timings::Timings;

/// Another service, by its name: whichever of its instances runs.
#[derive(Clone, Debug)]
pub struct RemoteService {
    muon: Muon,
    name: String,
}

impl RemoteService {
    pub(super) fn new(muon: Muon, name: String) -> Self {
        Self { muon, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its instances that are known now.
    pub fn instances(&self) -> Vec<Descriptor> {
        self.muon.discovery().named(&self.name)
    }

    /// How long the instance that sees it waits.
    pub fn timings(&self) -> &Timings {
        self.muon.timings()
    }

    /// Opens a channel to it; see [`Muon::channel_to`].
    ///
    /// # Errors
    /// As [`Muon::channel_to`].
    pub async fn channel(&self, protocol: &str) -> Result<ChannelEnd> {
        self.muon.channel_to(&self.name, protocol).await
    }

    /// Asks it; see [`rpc::call`].
    ///
    /// # Errors
    /// As [`rpc::call`] and [`Muon::channel_to`].
    pub async fn rpc(&self, request: &Request) -> Result<Response> {
        rpc::call(self.channel(rpc::PROTOCOL).await?, request, self.muon.timings().rpc).await
    }

    /// Asks it what it offers.
    ///
    /// # Errors
    /// As [`introspect`](fn@introspect) and [`Muon::channel_to`].
    pub async fn introspect(&self) -> Result<Introspection> {
        introspect(self.channel(introspect::PROTOCOL).await?, self.muon.timings().rpc).await
    }

    /// Subscribes to one of its streams, with up to `window` items on their way; see [`subscribe`](fn@subscribe).
    ///
    /// # Errors
    /// As [`subscribe`](fn@subscribe) and [`Muon::channel_to`].
    pub async fn subscribe(&self, request: &reactive_stream::Request, window: u64) -> Result<Subscription> {
        let channel = self.channel(reactive_stream::PROTOCOL).await?;
        subscribe(channel, request, window, self.muon.timings().rpc).await
    }

    /// Submits to its stages.
    ///
    /// # Errors
    /// As [`Muon::channel_to`].
    pub async fn stages(&self) -> Result<SedaClient> {
        Ok(SedaClient::new(self.channel(seda::PROTOCOL).await?))
    }
}
