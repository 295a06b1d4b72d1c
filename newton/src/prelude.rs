//! What a file with domain types needs: `use newton::prelude::*;`.

pub use crate::{
    Aggregate, Command, Context, Decision, Event, EventHandler, HandlerError, On, Projection, React,
    Rejection, Saga, TagValue,
};
pub use crate::{projection::View, saga::CommandFailed, saga::Deadline, saga::Flow, service::Delivery};

#[cfg(feature = "sqlite")]
pub use crate::projection::{SqliteTables, SqliteTx};

/// A result whose error, unless another is named, is a handler's: every error converts to it with `?`.
pub type Result<T, E = crate::domain::HandlerError> = std::result::Result<T, E>;
