//! The store in another service keeps every promise of the store that the service holds.

mod broken;

use std::sync::Arc;

use newton::muon::channel::{self, ChannelEnd};
use newton::muon::{Peer, ServerStack};
use newton::server::StoreService;
use newton::store::muon::{RemoteOptions, RemoteStore};
use newton::store::{MemoryStore, Stores};

newton::event_store_contract!(events_of_memory, || async { remote(Stores::of(MemoryStore::new())).await });
newton::state_store_contract!(state_of_memory, || async { remote(Stores::of(MemoryStore::new())).await });

/// The stores of a service that is reached over channels in memory.
async fn remote(stores: Stores) -> RemoteStore {
    let served = served(&StoreService::new(stores), "newton-event");
    let options = RemoteOptions::default();
    RemoteStore::over("events", options, move || dial(served.clone())).await.unwrap()
}

fn served(service: &StoreService, protocol: &str) -> Arc<dyn ServerStack> {
    service.clone().stacks().into_iter().find(|stack| stack.protocol() == protocol).unwrap()
}

/// One end of a channel whose other end is served.
async fn dial(stack: Arc<dyn ServerStack>) -> newton::Result<ChannelEnd> {
    let (client, server) = channel::pair(64);
    let peer = Peer { local: "events".into(), origin: Some("tests".into()) };
    tokio::spawn(async move { stack.serve(server, peer).await });
    Ok(client)
}
