//! The stores of another service: they keep every promise of the store that the service holds, and serve others too.

mod admin;
mod apps;
mod broken;
mod emitting;
mod replaying;
mod urls;

use std::ops::Deref;

use newton::muon::discovery::MemoryDiscovery;
use newton::muon::transport::MemoryNetwork;
use newton::muon::{Muon, RemoteService};
use newton::server::StoreService;
use newton::store::muon::{RemoteOptions, RemoteStore};
use newton::store::{MemoryStore, Stores};

newton::event_store_contract!(events, || async { Served::new().await });
newton::state_store_contract!(state, || async { Served::new().await });

/// Stores in memory that a service publishes, and another service that reaches them.
#[derive(Debug)]
struct Served {
    stores: Stores,
    remote: RemoteStore,
    events: RemoteService,
    server: Muon,
}

impl Deref for Served {
    type Target = RemoteStore;

    fn deref(&self) -> &RemoteStore {
        &self.remote
    }
}

impl Served {
    async fn new() -> Self {
        Self::by(|service| service).await
    }

    /// Published as `configure` says.
    async fn by(configure: impl FnOnce(StoreService) -> StoreService) -> Self {
        let stores = Stores::of(MemoryStore::new());
        let (server, client) = pair(configure(StoreService::new(stores.clone()))).await;
        let options = RemoteOptions { token: Some("right".to_owned()), ..RemoteOptions::default() };
        let remote = RemoteStore::open(&client, "events", options).await.unwrap();
        let events = client.service("events").await.unwrap();
        Self { stores, remote, events, server }
    }
}

/// The service, and a client of it.
async fn pair(service: StoreService) -> (Muon, Muon) {
    let (network, discovery) = (MemoryNetwork::new(), MemoryDiscovery::new());
    let builder =
        |name: &str| Muon::builder(name).transport(network.transport().shared()).discovery(discovery.clone());
    let server = service.publish(builder("events")).start().await.unwrap();
    (server, builder("client").start().await.unwrap())
}
