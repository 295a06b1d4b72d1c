//! The pure heart: types and rules without I/O and without async.
//!
//! - [`aggregate`]: what a user's aggregate, its decisions and its context are; [`unique`]: values that only one has
//! - [`event`], [`command`]: typed payloads and their stable names; [`upcast`] reads older schemas
//! - [`handler`]: what a user writes to react to an event
//! - [`envelope`]: unwritten and recorded events, their metadata and tags
//! - [`stream_name`], [`version`], [`id`]: the coordinates of an event
//! - [`clock`]: the one source of time; `wire`: the JSON of all these between services

pub mod aggregate;
pub mod clock;
pub mod command;
pub mod envelope;
pub mod event;
pub mod handler;
pub mod id;
pub mod metadata;
pub mod name;
pub mod payload;
pub mod query;
pub mod rejection;
pub mod stream_name;
pub mod tag;
pub mod unique;
pub mod upcast;
pub mod version;
pub(crate) mod wire;

pub use aggregate::{Aggregate, Context, Decision, Fingerprint};
pub use clock::{Clock, SystemClock, Timestamp};
pub use command::{Command, CommandType};
pub use envelope::{FoldEvent, NewEvent, RecordedEvent};
pub use event::{Event, EventType, decode, decode_recorded};
pub use handler::{Handler, HandlerError, On};
pub use id::{CommandId, CorrelationId, EventId};
pub use metadata::{Cause, Metadata};
pub use name::Name;
pub use payload::{Encoding, Payload};
pub use query::{Filter, Query};
pub use rejection::{AnyRejection, Rejection};
pub use stream_name::{AggregateId, StreamName};
pub use tag::{Tag, TagValue};
pub use unique::Unique;
pub use upcast::Upcast;
pub use version::{ExpectedVersion, OrderId, Schema, Version};
