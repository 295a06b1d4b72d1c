//! The promises of the store traits, as tests for any store: one public function each, which panics where it is broken.
//!
//! - [`events`]: what an [`EventStore`](crate::store::EventStore) promises
//! - [`state`]: what a [`StateStore`](crate::store::StateStore) promises
//!
//! One line each makes a test of every promise. The closure opens a fresh, empty store for each:
//!
//! ```
//! newton::event_store_contract!(memory_events, || async { newton::store::MemoryStore::new() });
//! newton::state_store_contract!(memory_state, || async { newton::store::MemoryStore::new() });
//! # fn main() {}
//! ```
//!
//! A harness of your own, such as one that ignores tests while a server is missing, gets the same list through a macro of
//! yours. It is given what you give, then the suite's name and the promises by their modules:
//!
//! ```
//! macro_rules! names {
//!     ($prefix:literal, $suite:ident, $($group:ident { $($promise:ident)* })*) => {
//!         [$($(concat!($prefix, "::", stringify!($promise))),*),*]
//!     };
//! }
//! let names = newton::__state_store_promises! { [names] "remote" };
//! assert!(names.contains(&"remote::a_record_is_read_back"));
//! ```
//!
//! What a store's capability record says it lacks is checked for a clear refusal instead. A store that needs something
//! kept alive beside it, such as a folder, comes in a wrapper that dereferences to it.

#![expect(clippy::expect_used, clippy::panic, reason = "a broken promise is reported by a panic")]
#![allow(clippy::wildcard_imports, reason = "each suite has a vocabulary, which every promise of it speaks")]
#![allow(clippy::missing_panics_doc, reason = "a broken promise is reported by a panic")]

pub mod events;
mod parallel;
pub mod state;

use std::pin::{Pin, pin};

/// Runs one promise on a runtime of its own, for a test function that is not async.
pub fn run(promise: impl Future<Output = ()>) {
    run_pinned(pin!(promise));
}

/// A runtime's `block_on` is compiled anew for each future, at a cost that a suite of hundreds would feel.
fn run_pinned(promise: Pin<&mut dyn Future<Output = ()>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime for the test").block_on(promise);
}

/// Makes a module with one test for each promise of an [`EventStore`](crate::store::EventStore).
///
/// Takes the module's name, and a closure that gives a future of a fresh, empty store.
#[macro_export]
macro_rules! event_store_contract {
    ($name:ident, $open:expr) => {
        $crate::__event_store_promises! { [$crate::__promise_tests] $name, $open }
    };
}

/// Makes a module with one test for each promise of a [`StateStore`](crate::store::StateStore).
///
/// Takes the module's name, and a closure that gives a future of a fresh, empty store.
#[macro_export]
macro_rules! state_store_contract {
    ($name:ident, $open:expr) => {
        $crate::__state_store_promises! { [$crate::__promise_tests] $name, $open }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __promise_tests {
    ($name:ident, $open:expr, $kind:ident, $($group:ident { $($promise:ident)* })*) => {
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
                            $crate::testkit::contract::run(async {
                                let store = ($open)().await;
                                $crate::testkit::contract::$kind::$group::$promise(&store).await;
                            });
                        }
                    )*
                }
            )*
        }
    };
}
