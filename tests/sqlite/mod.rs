//! The promises of the SQLite store that no other store makes, and the contract suites over it.

mod backup;
mod bad_input;
mod docs;
mod processes;
mod read_only;
mod support;
mod upgrade;

use support::Temporary;

newton::event_store_contract!(events, || async { Temporary::open() });
newton::state_store_contract!(state, || async { Temporary::open() });

#[test]
fn sqlite_agrees_with_the_model() {
    crate::model::agrees_with_the_model(64, async || Temporary::open());
}
