//! Several discoveries as one.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{Discovery, Services};
use crate::error::Result;
use crate::muon::descriptor::Descriptor;

/// Announces to all of its discoveries, and knows what any of them knows. It works as long as one of them does.
#[derive(Clone, Debug, Default)]
pub struct Several {
    all: Vec<Arc<dyn Discovery>>,
}

impl Several {
    /// Those of `all` as one, the first before the others where they say different things.
    pub fn new(all: impl IntoIterator<Item = Arc<dyn Discovery>>) -> Self {
        Self { all: all.into_iter().collect() }
    }
}

/// The first error where nothing worked; the others are logged.
fn any(results: Vec<Result<()>>) -> Result<()> {
    let one_works = results.is_empty() || results.iter().any(Result::is_ok);
    let mut first = Ok(());
    for error in results.into_iter().filter_map(Result::err) {
        tracing::warn!(%error, "one of several discoveries failed");
        if !one_works && first.is_ok() {
            first = Err(error);
        }
    }
    first
}

#[async_trait]
impl Discovery for Several {
    async fn announce(&self, service: &Descriptor) -> Result<()> {
        any(join_all(self.all.iter().map(|one| one.announce(service))).await)
    }

    async fn retract(&self, service: &Descriptor) -> Result<()> {
        any(join_all(self.all.iter().map(|one| one.retract(service))).await)
    }

    async fn ready(&self) -> Result<()> {
        any(join_all(self.all.iter().map(|one| one.ready())).await)
    }

    fn services(&self) -> Services {
        Services::merged(self.all.iter().map(|one| one.services()))
    }

    async fn close(&self) {
        join_all(self.all.iter().map(|one| one.close())).await;
    }
}
