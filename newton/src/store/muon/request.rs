//! The protocol `newton-event`: what a remote store asks of the service that holds the stores.
//!
//! Each request is a message of step `Requested`, and its answer, which names it as its provenance, one of step
//! `Replied`: the outcome as `{"Ok": ..}` or `{"Err": ..}`. The first request of a channel is [`Request::Open`]. Requests are
//! worked on side by side; answers come as they are ready. From then on the service also says where the head is,
//! whenever it moves, in messages of step `HeadMoved`. What is longer than a transport may carry at once goes in parts: see
//! `parts`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::StreamName;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Append, Load, Read, Scan, StateKey, StateWrite, Streams};

/// The name of the protocol.
pub(crate) const SCHEME: &str = "newton-event";

pub(crate) const REQUESTED: &str = "Requested";
pub(crate) const REPLIED: &str = "Replied";
pub(crate) const HEAD_MOVED: &str = "HeadMoved";

/// One call of a store's verb.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Who asks; answered by the capability.
    Open {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    Append(Append),
    Read(Read),
    Load(Load),
    Streams(Streams),
    EventTypes(StreamName),
    /// Where the head is now.
    Head,
    StateGet(StateKey),
    StateWrite(Vec<StateWrite>),
    StateScan(Scan),
}

impl Request {
    /// The operation, for errors.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open store",
            Self::Append(_) => "append",
            Self::Read(_) => "read",
            Self::Load(_) => "load",
            Self::Streams(_) => "list streams",
            Self::EventTypes(_) => "list event types",
            Self::Head => "read the head",
            Self::StateGet(_) => "read state",
            Self::StateWrite(_) => "write state",
            Self::StateScan(_) => "scan state",
        }
    }

    /// Whether a request whose answer was lost can be made again: event ids make an append repeatable, the revisions of
    /// a write to the state are used up by it.
    pub(super) fn is_repeatable(&self) -> bool {
        !matches!(self, Self::StateWrite(_))
    }
}

/// The outcome that an answer's bytes hold.
pub(super) fn outcome<T: DeserializeOwned>(operation: &'static str, answer: &[u8]) -> Result<T> {
    serde_json::from_slice::<Result<T>>(answer).unwrap_or_else(|error| {
        let message = "the store's answer cannot be read; run the same version of Newton on both sides";
        Err(Error::new(ErrorKind::Incompatible, operation, message).caused_by(error))
    })
}
