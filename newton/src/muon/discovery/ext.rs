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
        self.services().named(service)
    }

    /// The running instances of all services that have all of these tags.
    fn tagged(&self, tags: &[&str]) -> Vec<Descriptor> {
        self.services().current().into_iter().filter(|descriptor| descriptor.has_tags(tags)).collect()
    }

    /// Waits until an instance that was looked for is known.
    ///
    /// # Errors
    /// `NotFound` after `limit`.
    async fn wait_for<F>(&self, limit: Duration, is_wanted: F) -> Result<Descriptor>
    where
        F: Fn(&Descriptor) -> bool + Send + Sync,
    {
        let mut services = self.services();
        let found = async {
            loop {
                if let Some(known) = services.current().into_iter().find(&is_wanted) {
                    return known;
                }
                services.changed().await;
            }
        };
        timeout(limit, found).await.map_err(|_| not_found())
    }
}

impl<D: Discovery + ?Sized> DiscoveryExt for D {}

pub(crate) fn not_found() -> Error {
    let message = "no such service runs as far as is known; start it, or check its name and the discovery";
    Error::new(ErrorKind::NotFound, "discover", message)
}
