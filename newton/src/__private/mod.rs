//! What the derives expand to; no part of the public interface, it may change with any release.
//!
//! - [`decide`](mod@decide), [`evolve`](mod@evolve): from the user's inherent functions to the trait's
//! - [`listened`]: what a projection, a saga or an event handler listens to
//! - [`reaction`]: from what happened to the user's handler of its type; `setup`: a projection's tables
//! - [`fingerprint`](mod@fingerprint): the hash that a snapshot or a durable projection depends on
//! - [`payload`]: the last step of encoding and decoding
//! - [`show`]: fields in the text of a rejection
//! - [`stub`]: types that stand in where a derive reported an error
//! - [`taken`](mod@taken): from `#[unique(..)]` to the rejection of a value

pub mod decide;
pub mod evolve;
pub mod fingerprint;
pub mod listened;
pub mod payload;
pub mod reaction;
#[cfg(feature = "sqlite")]
pub mod setup;
pub mod show;
pub mod stub;
pub mod taken;

pub use inventory;
pub use serde;
pub use serde_json;

pub use decide::{MissingDecide, decide};
pub use evolve::{MissingEvolve, evolve};
pub use fingerprint::{fingerprint, fingerprint_of_listener};
pub use listened::{Listened, add_events, event_types};
pub use payload::{decode, decode_remote, no_type_at, push_tag};
pub use reaction::{
    Handled, OnEvent, OnTrigger, Reacting, handle_delivery, handle_event, handle_trigger, on_event,
    on_trigger, react, starts,
};
#[cfg(feature = "sqlite")]
pub use setup::{NoFlush, NoSetup, setup};
pub use show::{Show, ShowByDebug, ShowByDisplay};
pub use stub::StubEvent;
pub use taken::{taken, taken_by};
