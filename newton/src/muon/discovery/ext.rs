//! Finding services and waiting for them, on any discovery.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use super::Discovery;
use crate::error::{Error, ErrorKind, Result};
use crate::muon::descriptor::Descriptor;

/// What callers get on top of [`Discovery`].
#[async_trait]
pub trait DiscoveryExt: Discovery {
    /// The running instances of a service.
    fn named(&self, service: &str) -> Vec<Descriptor> {
        let all = self.services().current().into_iter();
        all.filter(|descriptor| descriptor.identifier == service).collect()
    }

    /// The running instances of all services that have all of these tags.
    fn tagged(&self, tags: &[&str]) -> Vec<Descriptor> {
        self.services().current().into_iter().filter(|descriptor| descriptor.has_tags(tags)).collect()
    }

    /// Waits until an instance of a service is known.
    ///
    /// # Errors
    /// `NotFound` after `limit`.
    async fn wait_for(&self, service: &str, limit: Duration) -> Result<Descriptor> {
        let mut services = self.services();
        let found = async {
            loop {
                let known = services.current().into_iter().find(|known| known.identifier == service);
                if let Some(known) = known {
                    return known;
                }
                services.changed().await;
            }
        };
        timeout(limit, found).await.map_err(|_| not_found(service))
    }
}

impl<D: Discovery + ?Sized> DiscoveryExt for D {}

pub(crate) fn not_found(service: &str) -> Error {
    let message = "no running service has this name; start it, or check the name and the discovery";
    Error::new(ErrorKind::NotFound, "discover", message).with("service", service)
}
