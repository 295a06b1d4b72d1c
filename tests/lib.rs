//! What the promise tests share: a bank, and an app over each store.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "helpers of tests report by panicking")]

pub mod acknowledged;
pub mod bank;
pub mod ledger;
pub mod random;
pub mod recorder;
pub mod vaults;
pub mod workload;

use std::path::{Path, PathBuf};

use newton::Newton;
use newton::app::Builder;
use newton::muon::Muon;
use newton::muon::discovery::MemoryDiscovery;
use newton::muon::transport::MemoryNetwork;
use newton::server::StoreService;
use newton::store::{MemoryStore, Stores, open};
use tempfile::TempDir;
use uuid::Uuid;

/// The root of the workspace.
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A store for one test, and the folder it lives in, if it needs one.
#[derive(Debug)]
pub struct Given {
    /// The stores.
    pub stores: Stores,
    url: String,
    lasting: Option<Lasting>,
}

/// What outlasts an app: where the data is.
#[derive(Debug)]
#[expect(dead_code, reason = "it is kept for what its end would do")]
enum Lasting {
    Folder(TempDir),
    Service(Muon),
}

impl Given {
    /// A fresh store in memory.
    pub async fn memory() -> Self {
        Self::open("memory:".to_owned(), None).await
    }

    /// A fresh SQLite file.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self::open(url, Some(Lasting::Folder(folder))).await
    }

    /// A fresh store in memory, which a service publishes.
    pub async fn remote() -> Self {
        let name = Uuid::new_v4().to_string();
        let (network, discovery) = (MemoryNetwork::named(&name), MemoryDiscovery::named(&name));
        let service = Muon::builder("events").transport(network.transport()).discovery(discovery);
        let service = StoreService::new(Stores::of(MemoryStore::new())).publish(service);
        let service = service.start().await.expect("the service starts");
        Self::open(format!("muon+memory://{name}/events"), Some(Lasting::Service(service))).await
    }

    async fn open(url: String, lasting: Option<Lasting>) -> Self {
        let stores = open(&url).await.expect("the store opens");
        Self { stores, url, lasting }
    }

    /// The same data, as another process would find it: opened again where it lasts.
    #[must_use]
    pub async fn reopened(self) -> Self {
        if self.lasting.is_none() {
            return self;
        }
        drop(self.stores);
        Self::open(self.url, self.lasting).await
    }

    /// The URL of the store.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An app of the bank's types over this store, to be configured further.
    pub fn app(&self) -> Builder {
        Newton::builder().stores(self.stores.clone()).only::<bank::Account>().service("tests")
    }
}

/// Makes a test of each function for every store: `async fn promise(given: Given)`.
#[macro_export]
macro_rules! over_every_store {
    ($($promise:ident),* $(,)?) => {
        mod over_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise($crate::Given::memory().await).await;
            })*
        }

        mod over_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise($crate::Given::sqlite().await).await;
            })*
        }

        mod over_remote {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise($crate::Given::remote().await).await;
            })*
        }
    };
}
