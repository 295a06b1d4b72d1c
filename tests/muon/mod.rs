//! Muon: channels, codecs, transports, discovery, protocols, and what bad input gets.

mod bad_input;
mod captured;
mod channels;
mod codec;
mod discovery;
mod instances;
mod protocols;
mod seda;
mod shared;
mod streams;

use std::time::Duration;

use newton::muon::discovery::MemoryDiscovery;
use newton::muon::instance::Builder;
use newton::muon::transport::MemoryNetwork;
use newton::muon::{Muon, Timings};
use newton::testkit::muon::Sides;

newton::transport_contract!(memory, || async {
    let network = MemoryNetwork::new();
    Sides::new(network.transport(), network.transport())
});

newton::transport_contract!(memory_of_narrow_channels, || async {
    let network = MemoryNetwork::new().with_capacity(1);
    Sides::new(network.transport(), network.transport())
});

/// Ends a test that hangs.
async fn guarded<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), test).await.expect("done within a minute")
}

/// Services of one process, each over a channel of its own or over a shared one.
#[derive(Clone, Default)]
struct Town {
    network: MemoryNetwork,
    discovery: MemoryDiscovery,
    is_shared: bool,
}

impl Town {
    /// One of each kind.
    fn both() -> [Self; 2] {
        [false, true].map(|is_shared| Self { is_shared, ..Self::default() })
    }

    fn builder(&self, service: &str) -> Builder {
        let transport = self.network.transport();
        let transport = if self.is_shared { transport.shared() } else { transport };
        Muon::builder(service).transport(transport).discovery(self.discovery.clone())
    }

    async fn start(&self, service: &str) -> Muon {
        self.builder(service).start().await.unwrap()
    }
}

/// Waits on a condition that nothing announces.
async fn until(condition: impl Fn() -> bool) {
    guarded(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Waits that are over soon.
fn short() -> Timings {
    let soon = Duration::from_millis(200);
    Timings {
        handshake: soon,
        keep_alive: Duration::from_millis(20),
        silence: soon,
        announce: soon,
        discovery: soon,
        rpc: soon,
        shutdown: soon,
    }
}
