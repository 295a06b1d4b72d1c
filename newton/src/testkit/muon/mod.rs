//! The promises of Muon's traits, as tests for any transport: one public function each, which panics where it is broken.
//!
//! - [`channel`]: what a channel of a transport promises
//! - [`transport`]: what a [`Transport`] promises besides
//!
//! One line makes a test of every promise. The closure gives [`Sides`] of a fresh transport for each:
//!
//! ```
//! use newton::muon::transport::MemoryNetwork;
//! use newton::testkit::muon::Sides;
//!
//! newton::transport_contract!(memory, || async {
//!     let network = MemoryNetwork::new();
//!     Sides::new(network.transport(), network.transport())
//! });
//! # fn main() {}
//! ```

#![expect(clippy::expect_used, clippy::panic, reason = "a broken promise is reported by a panic")]
#![allow(clippy::missing_panics_doc, reason = "a broken promise is reported by a panic")]

pub mod channel;
pub mod transport;

use std::time::Duration;

use uuid::Uuid;

use crate::error::Result;
use crate::muon::codec::Codecs;
use crate::muon::transport::{Accepted, Listener};
use crate::muon::{Address, ChannelEnd, Descriptor, Message, Transport};

/// Ends a promise that hangs.
const GUARD: Duration = Duration::from_mins(1);

/// Two transports that reach each other, and a service of a name that no other test uses.
#[derive(Debug)]
pub struct Sides {
    /// Where the service listens.
    pub server: Box<dyn Transport>,
    /// Where its channels are opened.
    pub client: Box<dyn Transport>,
    /// The service.
    pub service: Descriptor,
    /// What both sides speak.
    pub codecs: Codecs,
}

impl Sides {
    /// A service at one transport, and a client at another that reaches it.
    pub fn new(server: impl Transport, client: impl Transport) -> Self {
        let service = Descriptor::new(format!("service-{}", Uuid::new_v4()));
        let codecs = Codecs::json();
        Self { server: Box::new(server), client: Box::new(client), service, codecs }
    }

    /// The same, speaking these codecs.
    #[must_use]
    pub fn speaking(self, codecs: Codecs) -> Self {
        Self { codecs, ..self }
    }

    /// The address of the service.
    pub fn address(&self) -> Address {
        let url = self.server.urls().into_iter().next().expect("a transport that listens has a URL");
        let address = Address::new(&url, &self.service.identifier, "test", "client");
        Address { codecs: self.codecs.clone(), ..address }
    }

    /// Listens for the service.
    async fn listen(&self) -> Result<Listener> {
        self.server.listen(&self.service, &self.codecs).await
    }

    /// A channel from the client to the service: its two ends.
    async fn channel(&self) -> (ChannelEnd, ChannelEnd) {
        let mut listener = self.listen().await.expect("the service listens");
        let address = self.address();
        let (opened, accepted) = tokio::join!(self.client.open(&address), listener.accept());
        let accepted: Accepted = accepted.expect("a channel is accepted");
        (opened.expect("the channel opens"), accepted.channel)
    }
}

/// Runs one promise on a runtime of its own.
pub fn run(promise: impl Future<Output = ()>) {
    crate::testkit::contract::run(async {
        tokio::time::timeout(GUARD, promise).await.expect("the promise is kept within a minute");
    });
}

/// A message that carries a number.
fn numbered(number: u32) -> Message {
    Message::new("test", "number", number.to_string())
}

fn number(message: &Message) -> u32 {
    std::str::from_utf8(&message.payload)
        .ok()
        .and_then(|text| text.parse().ok())
        .expect("the payload is a number")
}

/// Makes a module with one test for each promise of a [`Transport`].
///
/// Takes the module's name, and a closure that gives a future of fresh [`Sides`].
#[macro_export]
macro_rules! transport_contract {
    ($name:ident, $open:expr) => {
        $crate::__transport_promises! { [$crate::__transport_tests] $name, $open }
    };
}

/// Every promise, by the module it is in: the one list from which tests are made, by the macro named in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! __transport_promises {
    ([$($make:tt)+] $($given:tt)*) => {
        $($make)+! { $($given)*,
            channel {
                a_message_arrives_as_it_was_sent
                payloads_of_any_size_arrive
                messages_keep_their_order_both_ways
                many_at_once_keep_their_order
                what_was_sent_before_closing_arrives
                closing_ends_both_sides
                a_closing_message_closes
                a_dropped_end_fails_the_other
                a_reason_reaches_the_other_side
                a_slow_reader_loses_nothing
                what_is_given_up_is_neither_lost_nor_doubled
                an_end_says_so_again_and_again
                channels_do_not_feel_each_other
            }
            transport {
                urls_are_of_its_schemes_and_without_credentials
                a_listener_is_told_who_asks_for_what
                a_foreign_url_is_refused
                nobody_listening_is_an_error
                a_dropped_listener_takes_nothing
                one_instance_can_be_asked_for
                an_instance_listens_once
                many_channels_open_at_once
                closing_the_client_ends_its_channels
                closing_the_server_ends_its_listeners
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __transport_tests {
    ($name:ident, $open:expr, $($group:ident { $($promise:ident)* })*) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $(
                mod $group {
                    #[allow(unused_imports)]
                    use super::*;
                    $(
                        #[test]
                        fn $promise() {
                            $crate::testkit::muon::run(async {
                                let sides = ($open)().await;
                                $crate::testkit::muon::$group::$promise(&sides).await;
                            });
                        }
                    )*
                }
            )*
        }
    };
}
