//! Discovery inside of one process.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Directory, Discovery, Services};
use crate::error::Result;
use crate::muon::descriptor::Descriptor;
use crate::muon::named::Named;

static DIRECTORIES: Named<Directory> = Named::new();

/// Finds the services of one process. Clones find each other's.
#[derive(Clone, Debug, Default)]
pub struct MemoryDiscovery {
    directory: Arc<Directory>,
}

impl MemoryDiscovery {
    /// A discovery that knows no service.
    pub fn new() -> Self {
        Self::default()
    }

    /// The discovery of a name: the same one wherever this process asks for it, for as long as it is in use.
    pub fn named(name: &str) -> Self {
        Self { directory: DIRECTORIES.of(name) }
    }
}

#[async_trait]
impl Discovery for MemoryDiscovery {
    async fn announce(&self, service: &Descriptor) -> Result<()> {
        self.directory.insert(service);
        Ok(())
    }

    async fn retract(&self, service: &Descriptor) -> Result<()> {
        self.directory.remove(service);
        Ok(())
    }

    async fn ready(&self) -> Result<()> {
        Ok(())
    }

    fn services(&self) -> Services {
        self.directory.services()
    }

    async fn close(&self) {}
}
