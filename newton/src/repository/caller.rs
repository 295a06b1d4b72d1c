//! Who asks for a command, and how.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Cause, CommandId, CorrelationId, Metadata, Name, RecordedEvent, Version};

/// Who asks, on whose behalf and why: what the caller knows and Newton cannot.
///
/// ```
/// use newton::Caller;
///
/// let caller = Caller::new().actor("ada").tenant("acme").correlation("request-7");
/// # let _ = caller;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// What the commands belong to; by default each command begins its own correlation.
    pub correlation_id: Option<CorrelationId>,
    /// The event that makes the caller ask.
    pub cause: Option<Cause>,
    /// Who asks.
    pub actor: Option<Name>,
    /// On whose behalf.
    pub tenant: Option<Name>,
    /// Free metadata for every event.
    pub extra: BTreeMap<String, String>,
}

impl Caller {
    /// A caller of whom nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ties what follows to a correlation.
    #[must_use]
    pub fn correlation(self, id: impl Into<CorrelationId>) -> Self {
        Self { correlation_id: Some(id.into()), ..self }
    }

    /// Names the event that makes the caller ask. The commands begin correlations of their own unless the caller gives
    /// one: see [`caused_by`](Self::caused_by).
    #[must_use]
    pub fn because_of(self, cause: Cause) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// Names the event that makes the caller ask, and ties what follows to its correlation.
    ///
    /// ```no_run
    /// # async fn example(app: newton::App, event: newton::RecordedEvent) {
    /// let app = app.with(newton::Caller::new().caused_by(&event));
    /// # }
    /// ```
    #[must_use]
    pub fn caused_by(self, event: &RecordedEvent) -> Self {
        let cause = Some(Cause { id: event.id.clone(), relation: None });
        let correlation_id = event.metadata.correlation_id.clone().or(self.correlation_id);
        Self { correlation_id, cause, ..self }
    }

    /// Says who asks.
    #[must_use]
    pub fn actor(self, actor: impl Into<Name>) -> Self {
        Self { actor: Some(actor.into()), ..self }
    }

    /// Says on whose behalf.
    #[must_use]
    pub fn tenant(self, tenant: impl Into<Name>) -> Self {
        Self { tenant: Some(tenant.into()), ..self }
    }

    /// Adds free metadata.
    #[must_use]
    pub fn extra(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }
}

/// How one command is to be executed.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) caller: Arc<Caller>,
    pub(crate) command_id: CommandId,
    /// Whether the id may have been executed before: the caller gave it, or an outcome was lost.
    pub(crate) maybe_known: bool,
    /// The version the caller saw, who wants the command to fail if the aggregate moved on.
    pub(crate) expected: Option<Version>,
    /// Whether a saga sends it, which records what comes of it.
    pub(crate) is_sagas: bool,
}

impl Order {
    pub(crate) fn new(caller: Arc<Caller>) -> Self {
        Self {
            caller,
            command_id: CommandId::generate(),
            maybe_known: false,
            expected: None,
            is_sagas: false,
        }
    }

    /// The same order under an id of the caller's, which may have been executed before.
    pub(crate) fn known_as(self, command_id: CommandId) -> Self {
        Self { command_id, maybe_known: true, ..self }
    }

    pub(crate) fn correlation_id(&self) -> CorrelationId {
        self.caller.correlation_id.clone().unwrap_or_else(|| self.command_id.clone().into())
    }

    /// The metadata of every event this command causes.
    pub(crate) fn metadata(&self, service: &Name) -> Metadata {
        Metadata {
            correlation_id: Some(self.correlation_id()),
            cause: self.caller.cause.clone(),
            command_id: Some(self.command_id.clone()),
            service: Some(service.clone()),
            tenant: self.caller.tenant.clone(),
            actor: self.caller.actor.clone(),
            extra: self.caller.extra.clone(),
        }
    }
}
