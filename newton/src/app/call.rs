//! Commands on their way between services: the rpc of one, and what comes back.
//!
//! A command is a request to `/commands/{name}` whose body is a [`Call`]. The status says what the answer's body is: 200 a
//! [`Receipt`], 422 a [`Rejected`], anything else an [`Error`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::{Cause, CommandId, CorrelationId, Version};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::muon::protocol::rpc::Response;
use crate::repository::Receipt;

/// What is asked of an aggregate of another service, beside the command's name. Who asks is not in here: the service has to know
/// that from what authenticates the request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Call {
    /// The aggregate's id.
    pub(super) id: String,
    /// The command's fields.
    pub(super) payload: Box<RawValue>,
    /// The command's own id: sent twice, it takes effect once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) command_id: Option<CommandId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expected: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) correlation_id: Option<CorrelationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<Cause>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) extra: BTreeMap<String, String>,
}

/// The aggregate's no.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rejected {
    /// As text.
    pub(super) message: String,
    /// As the user's own type.
    pub(super) rejection: Box<RawValue>,
}

/// What came of a command.
#[derive(Debug)]
pub(super) enum Answer {
    Done(Receipt),
    Rejected(Rejected),
    Failed(Error),
}

const OK: u16 = 200;
const REJECTED: u16 = 422;

/// The path of a command.
pub(super) fn path_of(command: &str) -> String {
    format!("/commands/{command}")
}

impl Answer {
    pub(super) fn into_response(self) -> Response {
        match self {
            Self::Done(receipt) => Response::json(&receipt),
            Self::Rejected(rejected) => Response { status: REJECTED, ..Response::json(&rejected) },
            Self::Failed(error) => failed(&error),
        }
    }

    pub(super) fn read(response: &Response) -> Result<Self> {
        Ok(match response.status {
            OK => Self::Done(response.parse()?),
            REJECTED => Self::Rejected(response.parse()?),
            _ => Self::Failed(response.parse()?),
        })
    }
}

/// The value of an answer, or the error that it is.
pub(super) fn value_of<T: serde::de::DeserializeOwned>(response: &Response) -> Result<T> {
    match response.status {
        OK => response.parse(),
        _ => Err(response.parse::<Error>()?),
    }
}

/// An error that keeps its kind.
pub(super) fn failed(error: &Error) -> Response {
    let status = match (error.kind(), error.retry()) {
        (ErrorKind::Forbidden, _) => 403,
        (_, Retry::Later) => 503,
        (_, Retry::AfterReload) => 409,
        (_, Retry::Never) => 400,
    };
    Response { status, ..Response::json(error) }
}
