//! What executing and loading give.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{AggregateId, AnyRejection, CommandId, CorrelationId, OrderId, Rejection, Version};
use crate::error::Error;
use crate::repository::Order;
use crate::store::Appended;

/// The proof that a command took effect: where its events are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Receipt {
    /// The command.
    pub command_id: CommandId,
    /// What the command belongs to.
    pub correlation_id: CorrelationId,
    /// The version of the aggregate after the command; of the first one, where there are several.
    pub version: Version,
    /// The order id of the last event of the command; the start of the store where it decided on no event.
    pub order_id: OrderId,
    /// How many events the command caused.
    pub events: usize,
    /// Whether the command had been executed before, and this is its first outcome.
    pub duplicate: bool,
}

impl Receipt {
    /// Of an append of so many events to one or several aggregates, behind `reserved` streams of reservations.
    pub(crate) fn of(order: &Order, appended: &Appended, reserved: usize, events: usize) -> Self {
        Self {
            command_id: order.command_id.clone(),
            correlation_id: order.correlation_id(),
            version: appended.versions.get(reserved).copied().unwrap_or_default(),
            order_id: appended.order_id,
            events,
            duplicate: appended.duplicate,
        }
    }

    /// Of a command that decided on no event.
    pub(crate) fn nothing(order: &Order, version: Version) -> Self {
        Self {
            command_id: order.command_id.clone(),
            correlation_id: order.correlation_id(),
            version,
            order_id: OrderId::START,
            events: 0,
            duplicate: false,
        }
    }
}

/// An aggregate's state, as of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<A> {
    /// The aggregate's id.
    pub id: AggregateId,
    /// The fold of its events.
    pub state: A,
    /// How many events that is.
    pub version: Version,
}

/// Why a command did not take effect.
#[derive(Debug)]
pub enum ExecuteError<R> {
    /// The aggregate said no. Executing the command again gives the same answer until something changes.
    Rejected(R),
    /// It could not be decided or stored. Conflicts with an expected version and deleted aggregates are here too.
    Failed(Error),
}

impl<R> ExecuteError<R> {
    /// The rejection, if that is what it is.
    pub fn rejection(&self) -> Option<&R> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Failed(_) => None,
        }
    }

    /// The failure, if that is what it is.
    pub fn failure(&self) -> Option<&Error> {
        match self {
            Self::Rejected(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl<R: Rejection> ExecuteError<R> {
    /// The same error with the rejection's type forgotten.
    pub fn erase(self) -> ExecuteError<AnyRejection> {
        match self {
            Self::Rejected(rejection) => ExecuteError::Rejected(AnyRejection::new(rejection)),
            Self::Failed(error) => ExecuteError::Failed(error),
        }
    }
}

impl<R> From<Error> for ExecuteError<R> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<R: fmt::Display> fmt::Display for ExecuteError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "rejected: {rejection}"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<R: Rejection> std::error::Error for ExecuteError<R> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Failed(error) => error.source(),
        }
    }
}
