//! Newton.
pub mod domain;
mod error;
pub mod store;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use domain::{
    Aggregate, AggregateId, Clock, Command, CommandId, Context, CorrelationId, Decision, Event, EventId,
    ExpectedVersion, Metadata, Name, OrderId, Payload, RecordedEvent, Rejection, StreamName, TagValue,
    Timestamp, Version,
};
pub use error::{Error, ErrorKind, Result, Retry};
