//! Publishing stores over Muon: for the published Muon clients, and for the apps of other services.
//!
//! - [`StoreService`]: what to publish, and how; it gives the protocol stacks for a Muon instance
//! - [`Tokens`]: who may use it
//! - `emit`: the protocol `event`; `replay`: the stream `/stream`; `form`: events as Muon's services write and read them
//! - `admin`: the rpc paths `/stream-names`, `/stats` and `/stream/delete`
//! - `requests`: the protocol `newton-event`; `answer`: what one request is answered

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
use crate::muon::ServerStack;
use crate::muon::protocol::reactive_stream::StreamServer;
use crate::muon::protocol::rpc::RpcServer;
use crate::store::Stores;
use crate::subscription::Subscriptions;

/// The most bytes of an event's payload that fits a message of 16 MiB, whose bytes are numbers in a text.
const LARGEST_EVENT: usize = 3 * 1024 * 1024;

/// A pair of stores as a service for others.
#[derive(Clone, Debug)]
pub struct StoreService(Published);

/// What is published, and how.
#[derive(Clone, Debug)]
struct Published {
    stores: Stores,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
    largest_event: usize,
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
            largest_event: LARGEST_EVENT,
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

    /// Lets clients end streams. A stream that has ended keeps its history, and takes no more events.
    #[must_use]
    pub fn allow_delete(mut self) -> Self {
        self.0.allows_delete = true;
        self
    }

    /// What serves it, one for each protocol.
    pub fn stacks(self) -> Vec<Arc<dyn ServerStack>> {
        let published = Arc::new(self.0);
        vec![
            Arc::new(Emits(published.clone())),
            Arc::new(streams(&published)),
            Arc::new(paths(&published)),
            Arc::new(Requests(published)),
        ]
    }
}

fn streams(published: &Arc<Published>) -> StreamServer {
    let published = published.clone();
    let replays = move |request| replay(published.clone(), request);
    StreamServer::new().stream("/stream", "Events: stream-name, stream-type (cold, hot, hot-cold), from", replays)
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
