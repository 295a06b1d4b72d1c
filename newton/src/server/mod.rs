//! Publishing stores over Muon: for the published Muon clients, and for the apps of other services.
//!
//! - [`StoreService`]: what to publish, and how; it gives the protocol stacks for a Muon instance
//! - [`Tokens`]: who may use it
//! - `emit`: the protocol `event`; `replay`: the stream `/stream`; `form`: events as Muon's services write and read them
//! - `admin`: the rpc paths `/stream-names`, `/stats` and `/stream/delete`
//! - `requests`: the protocol `newton-event`; `answer`: what one request is answered
//!
#![doc = include_str!("../../docs/services-over-muon.md")]

mod admin;
mod answer;
mod auth;
mod emit;
mod form;
mod replay;
mod requests;

use std::sync::Arc;

pub use auth::Tokens;

use self::admin::Question;
use self::emit::Emits;
use self::replay::replay;
use self::requests::Requests;
use crate::domain::{Clock, SystemClock};
use crate::muon::instance::Builder;
use crate::muon::protocol::event::EventServer;
use crate::muon::protocol::reactive_stream::StreamServer;
use crate::muon::protocol::rpc::RpcServer;
use crate::store::Stores;
use crate::subscription::Subscriptions;

/// What event stores are found by.
const TAGS: [&str; 2] = ["photon", "eventstore"];

/// A pair of stores as a service for others.
///
/// ```
/// use newton::muon::{Muon, transport::MemoryNetwork, discovery::MemoryDiscovery};
/// use newton::server::StoreService;
/// use newton::store::{EventStore, muon::{RemoteOptions, RemoteStore}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let (network, discovery) = (MemoryNetwork::new(), MemoryDiscovery::new());
/// let stores = newton::store::open("memory:").await?;
/// let events = Muon::builder("events").transport(network.transport()).discovery(discovery.clone());
/// let events = StoreService::new(stores).publish(events).start().await?;
///
/// let shop = Muon::builder("shop").transport(network.transport()).discovery(discovery).start().await?;
/// let remote = RemoteStore::open(&shop, "events", RemoteOptions::default()).await?;
/// assert!(remote.capability().expected_versions);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StoreService(Published);

/// What is published, and how.
#[derive(Clone, Debug)]
struct Published {
    stores: Stores,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
    allows_delete: bool,
    subscriptions: Subscriptions,
}

impl StoreService {
    /// Publishes stores to everybody.
    pub fn new(stores: Stores) -> Self {
        let subscriptions = Subscriptions::new(stores.events.clone());
        Self(Published {
            stores,
            tokens: Tokens::default(),
            clock: Arc::new(SystemClock),
            allows_delete: false,
            subscriptions,
        })
    }

    /// Lets in only those who know a token.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.0.tokens = tokens;
        self
    }

    /// Tells the time of what is emitted; the system's clock unless set.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }

    /// Lets clients end streams. A stream that has ended keeps its history, and takes no more events.
    #[must_use]
    pub fn allow_delete(mut self) -> Self {
        self.0.allows_delete = true;
        self
    }

    /// Lets a Muon instance serve it: tagged as an event store, by the protocols `event`, `reactive-stream`, `rpc` and
    /// `newton-event`.
    pub fn publish(self, builder: Builder) -> Builder {
        let published = Arc::new(self.0);
        let builder = TAGS.iter().fold(builder, |builder, tag| builder.tag(*tag));
        builder
            .serve(EventServer::new(Emits(published.clone())))
            .serve(streams(&published))
            .serve(paths(&published))
            .serve(Requests(published))
    }
}

fn streams(published: &Arc<Published>) -> StreamServer {
    let published = published.clone();
    let replays = move |request| replay(published.clone(), request);
    StreamServer::new().stream(
        "/stream",
        "Events: stream-name, stream-type (cold, hot, hot-cold), from",
        replays,
    )
}

fn paths(published: &Arc<Published>) -> RpcServer {
    let path = |question| {
        let published = published.clone();
        move |request| admin::answer(published.clone(), question, request)
    };
    RpcServer::new()
        .path("/stream-names", "The names of all streams, sorted", path(Question::StreamNames))
        .path("/stats", "How much is stored", path(Question::Stats))
        .path("/stream/delete", "Ends the stream `name`", path(Question::Delete))
}
