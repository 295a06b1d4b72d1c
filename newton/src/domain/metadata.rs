//! What is known of an event besides its content: who, for whom, and why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{CommandId, CorrelationId, EventId, Name};

/// Who caused an event, for whom, and why. Newton fills it without the user's help.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Metadata {
    /// What ties together all that came of one first cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
    /// The event that caused the command that caused this one; `None` at the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The command that caused the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    /// The service that wrote the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// On whose behalf: a customer of a system that serves several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// Who asked for it: a user or a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Name>,
    /// Anything else.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

/// An event's cause: the event before it, and how they are related.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cause {
    /// The event that was the cause.
    pub id: EventId,
    /// In which way, in the words of whoever wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<Name>,
}
