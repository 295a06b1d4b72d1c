//! The store seam: two small object-safe traits that carry everything that lasts.
//!
//! - [`EventStore`]: append, read, head; [`append`], [`read`] and [`list`] hold what its verbs take and give
//! - [`StateStore`]: small versioned records with compare-and-set batches and range scans
//! - [`capability`]: what a store can do, as data, and the check that refuses the rest
//! - [`ext`]: what callers get on top of the two traits
//! - [`open`](fn@open): a pair of stores from a URL
//! - [`memory`] and, with the feature `sqlite`, [`sqlite`]: the stores themselves;
//!   with the feature `muon`, `muon`: those of another service

pub mod append;
pub mod capability;
pub mod event_store;
pub mod ext;
pub mod head;
pub mod list;
pub mod memory;
#[cfg(feature = "muon")]
pub mod muon;
pub mod open;
pub mod read;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod state;

pub use append::{Append, Appended, Condition, StreamAppend};
pub use capability::{Capability, Limits};
pub use event_store::EventStore;
pub use ext::{EventStoreExt, StateStoreExt};
pub use head::{Head, HeadSender};
pub use list::{StreamInfo, Streams};
pub use memory::MemoryStore;
pub use open::{Stores, open};
pub use read::{Direction, Load, Page, Position, Read, Selection, Slice};
pub use state::{Expect, Revision, Scan, StateKey, StateRecord, StateStore, StateWrite};
