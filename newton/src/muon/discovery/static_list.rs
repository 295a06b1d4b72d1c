//! Services that are written down, such as in a configuration file.

use async_trait::async_trait;

use super::{Directory, Discovery, Services};
use crate::error::Result;
use crate::muon::descriptor::Descriptor;

/// Knows the services that it was given, whether they run or not. What is announced to it is told to nobody.
///
/// ```
/// use newton::muon::discovery::StaticList;
/// use newton::muon::{Descriptor, DiscoveryExt};
///
/// let mut bank = Descriptor::new("bank");
/// bank.connection_urls.push("amqp://broker.example".to_owned());
/// assert_eq!(StaticList::new([bank]).named("bank").len(), 1);
/// ```
#[derive(Debug, Default)]
pub struct StaticList {
    directory: Directory,
}

impl StaticList {
    /// A list of these services.
    pub fn new(services: impl IntoIterator<Item = Descriptor>) -> Self {
        let list = Self::default();
        for service in services {
            list.directory.insert(&service);
        }
        list
    }
}

#[async_trait]
impl Discovery for StaticList {
    async fn announce(&self, _: &Descriptor) -> Result<()> {
        Ok(())
    }

    async fn retract(&self, _: &Descriptor) -> Result<()> {
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
