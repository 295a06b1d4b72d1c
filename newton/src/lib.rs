//! Newton.

// The derives expand to paths that start with `::newton`, in this crate's own tests and examples too.
extern crate self as newton;

#[doc(hidden)]
pub mod __private;
pub mod app;
pub mod bus;
pub mod domain;
mod error;
pub mod prelude;
pub mod registry;
pub mod repository;
pub mod store;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use app::{App, Newton};
pub use domain::{
    Aggregate, AggregateId, Clock, Command, CommandId, Context, CorrelationId, Decision, Event, EventId,
    ExpectedVersion, Metadata, Name, OrderId, Payload, RecordedEvent, Rejection, StreamName, TagValue,
    Timestamp, Version,
};
pub use error::{Error, ErrorKind, Result, Retry};
pub use newton_macros::{Aggregate, Command, Event, Rejection};
pub use repository::{Caller, ExecuteError, Loaded, Receipt, Recorded, Repository};
