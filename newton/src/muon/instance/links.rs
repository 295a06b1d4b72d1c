//! The ways to other services.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::shared::{SHARED_CHANNEL, Shared};
use crate::muon::channel::{ChannelEnd, deflate};
use crate::muon::codec::{Codecs, Limits};
use crate::muon::descriptor::{Descriptor, url_scheme};
use crate::muon::discovery::not_found;
use crate::muon::transport::{Address, Transport};
use crate::sync::lock;

#[derive(Debug)]
pub(super) struct Links {
    service: Arc<str>,
    transports: Vec<Arc<dyn Transport>>,
    limits: Limits,
    codecs: Codecs,
    shared: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// A service, the URL it is reached at, and the instance if only that one will do.
type Key = (Arc<str>, String, Option<Arc<str>>);

/// One shared channel. Whoever opens it holds the lock, so that the others wait for it instead of opening their own.
type Slot = tokio::sync::Mutex<Option<Shared>>;

impl Links {
    pub(super) fn new(
        service: Arc<str>,
        transports: Vec<Arc<dyn Transport>>,
        limits: Limits,
        codecs: Codecs,
    ) -> Self {
        Self { service, transports, limits, codecs, shared: Mutex::default() }
    }

    /// Opens a channel to any of these instances of a service.
    pub(super) async fn open(
        &self,
        instances: &[Descriptor],
        service: &str,
        protocol: &str,
    ) -> Result<ChannelEnd> {
        let urls = instances.iter().flat_map(|instance| &instance.connection_urls);
        let mut distinct: Vec<&String> = Vec::new();
        for url in urls {
            if !distinct.contains(&url) {
                distinct.push(url);
            }
        }
        if instances.is_empty() {
            return Err(not_found().with("service", service));
        }
        let mut wanted = Address::new("", service, protocol, &self.service);
        // Any of them may take it.
        wanted.codecs = self.codecs.understood_by(instances);
        self.first_that_works(&distinct, wanted).await
    }

    /// Opens a channel to just this instance.
    pub(super) async fn open_instance(&self, instance: &Descriptor, protocol: &str) -> Result<ChannelEnd> {
        let urls: Vec<_> = instance.connection_urls.iter().collect();
        let mut wanted = Address::new("", &instance.identifier, protocol, &self.service);
        wanted.instance = instance.instance_id.as_deref().map(Arc::from);
        wanted.codecs = self.codecs.understood_by(std::slice::from_ref(instance));
        self.first_that_works(&urls, wanted).await
    }

    async fn first_that_works(&self, urls: &[&String], wanted: Address) -> Result<ChannelEnd> {
        let mut last = None;
        for url in urls {
            let Some(transport) = self.transport(url) else { continue };
            let address = Address { url: (*url).clone(), ..wanted.clone() };
            match self.open_over(transport.as_ref(), address).await {
                Ok(channel) => return Ok(channel),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| unreachable_over(&self.transports)).with("service", wanted.service))
    }

    fn transport(&self, url: &str) -> Option<&Arc<dyn Transport>> {
        self.transports.iter().find(|transport| transport.schemes().contains(&url_scheme(url)))
    }

    async fn open_over(&self, transport: &dyn Transport, address: Address) -> Result<ChannelEnd> {
        if !transport.is_shared() {
            return transport.open(&address).await;
        }
        let key = (address.service.clone(), address.url.clone(), address.instance.clone());
        let slot = self.lock().entry(key).or_default().clone();
        let mut slot = slot.lock().await;
        if let Some(channel) = slot.as_ref().filter(|shared| !shared.is_ended()).map(Shared::open) {
            return channel;
        }
        let codecs = address.codecs.clone();
        let address = Address { protocol: SHARED_CHANNEL.into(), ..address };
        let end = deflate(transport.open(&address).await?, &self.limits);
        let (service, limits) = (self.service.clone(), self.limits.clone());
        slot.insert(Shared::new(end, service, limits, codecs, None)).open()
    }

    pub(super) async fn close(&self) {
        let shared = std::mem::take(&mut *self.lock());
        for slot in shared.values() {
            if let Some(shared) = slot.lock().await.take() {
                shared.close();
            }
        }
        for transport in &self.transports {
            transport.close().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Slot>>> {
        lock(&self.shared)
    }
}

fn unreachable_over(transports: &[Arc<dyn Transport>]) -> Error {
    let schemes: Vec<_> = transports.iter().flat_map(|transport| transport.schemes()).copied().collect();
    let message = "none of this instance's transports opens a URL of the service; give it another transport";
    Error::new(ErrorKind::Unsupported, "open a channel", message).with("transports", schemes.join(", "))
}
