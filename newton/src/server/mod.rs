//! Publishing stores over Muon: for the published Muon clients, and for the apps of other services.
//!
//! - [`StoreService`]: what to publish, and how; it gives the protocol stacks for a Muon instance
//! - [`Tokens`]: who may use it
//! - `emit`: the protocol `event`; `form`: events as Muon's services write them
//! - `requests`: the protocol `newton-event`; `answer`: what one request is answered

mod answer;
mod auth;
mod emit;
mod form;
mod requests;

use std::sync::Arc;

pub use auth::Tokens;

use self::emit::Emits;
use self::requests::Requests;
use crate::domain::{Clock, SystemClock};
use crate::muon::ServerStack;
use crate::store::Stores;

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
}

impl StoreService {
    /// Publishes stores to everybody.
    pub fn new(stores: Stores) -> Self {
        let clock = Arc::new(SystemClock);
        Self(Published { stores, tokens: Tokens::default(), clock, largest_event: LARGEST_EVENT })
    }

    /// Lets in only those who know a token.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.0.tokens = tokens;
        self
    }

    /// What serves it, one for each protocol.
    pub fn stacks(self) -> Vec<Arc<dyn ServerStack>> {
        let published = Arc::new(self.0);
        vec![Arc::new(Emits(published.clone())), Arc::new(Requests(published))]
    }
}
