//! What a saga's handler is given.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use chrono::TimeDelta;

use crate::domain::{
    Aggregate, AggregateId, Command, HandlerError, Name, RecordedEvent, TagValue, Timestamp,
};
use crate::error::{Error, ErrorKind, Result};
use crate::saga::record::{Interest, Json};

/// What a handler of a saga reads and asks for. Nothing is done while it runs: what it asks for is recorded with the new
/// state in one append, and done afterwards. Should the handler fail, nothing of it is done.
#[derive(Debug)]
pub struct Flow<'a> {
    key: &'a str,
    meta: Option<&'a RecordedEvent>,
    now: Timestamp,
    pub(super) asked: Asked,
}

/// What a handler asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) commands: Vec<AskedCommand>,
    pub(crate) compensations: Vec<AskedCommand>,
    /// The timers by name: when each is due, or `None` where it is cancelled.
    pub(crate) timers: BTreeMap<String, Option<Timestamp>>,
    pub(crate) listens: Vec<Interest>,
    pub(crate) recover: bool,
    pub(crate) end: bool,
    /// Why something that was asked for cannot be.
    pub(super) wrong: Option<Error>,
}

/// A command that was asked for.
#[derive(Debug)]
pub(crate) struct AskedCommand {
    /// The service that has the aggregate, where it is another one.
    pub(crate) service: Option<Name>,
    /// The domain stream of the aggregate.
    pub(crate) aggregate: &'static str,
    pub(crate) target: AggregateId,
    pub(crate) name: &'static str,
    pub(crate) payload: Json,
}

impl<'a> Flow<'a> {
    pub(crate) fn new(key: &'a str, meta: Option<&'a RecordedEvent>, now: Timestamp) -> Self {
        Self { key, meta, now, asked: Asked::default() }
    }

    /// The instance's key: the value of the saga's key tag.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// The event as it was recorded; `None` where a deadline or a failed command is the trigger.
    pub fn meta(&self) -> Option<&'a RecordedEvent> {
        self.meta
    }

    /// The present, by the app's clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Sends a command to the aggregate with that id. An instance's commands are sent one after the other, in the order
    /// they were asked for; a rejection holds those behind it, and comes back as
    /// [`CommandFailed`](crate::saga::CommandFailed).
    #[expect(clippy::needless_pass_by_value, reason = "commands are written in place and given away")]
    pub fn send<C: Command>(&mut self, target: impl Display, command: C) {
        if let Some(command) = self.asked.command("send", &target, &command) {
            self.asked.commands.push(command);
        }
    }

    /// Sends a command to an aggregate of another service, which has to expose it. It takes effect once, as one sent here does:
    /// while the service cannot be reached, it is sent again under the same id. An app without
    /// [`Builder::muon`](crate::app::Builder::muon) stops the saga here, with nothing undone, until it is started with one.
    #[expect(clippy::needless_pass_by_value, reason = "commands are written in place and given away")]
    pub fn send_to<C: Command>(&mut self, service: impl Into<Name>, target: impl Display, command: C) {
        if let Some(command) = self.asked.command("send_to", &target, &command) {
            self.asked.commands.push(command.of(service.into()));
        }
    }

    /// Has a command sent should a later step of this instance fail for good. Compensations run in reverse: the last one
    /// asked for comes first.
    #[expect(clippy::needless_pass_by_value, reason = "commands are written in place and given away")]
    pub fn compensate<C: Command>(&mut self, target: impl Display, command: C) {
        if let Some(command) = self.asked.command("compensate", &target, &command) {
            self.asked.compensations.push(command);
        }
    }

    /// Has a command sent to an aggregate of another service should a later step of this instance fail for good.
    #[expect(clippy::needless_pass_by_value, reason = "commands are written in place and given away")]
    pub fn compensate_at<C: Command>(&mut self, service: impl Into<Name>, target: impl Display, command: C) {
        if let Some(command) = self.asked.command("compensate_at", &target, &command) {
            self.asked.compensations.push(command.of(service.into()));
        }
    }

    /// Makes good the failed command that is being handled: what is sent here takes its place, and the commands behind
    /// it go on. Without it the compensations run and the instance ends. Says nothing about other triggers.
    pub fn recover(&mut self) {
        self.asked.recover = true;
    }

    /// Ends the instance: it takes in no more triggers, its timers are cancelled, and it has ended once its commands are
    /// done.
    pub fn end(&mut self) {
        self.asked.end = true;
    }

    /// Takes in the events with this tag too, besides those with the saga's key: the ones behind the trigger that is
    /// being handled.
    pub fn listen(&mut self, key: impl Into<Name>, value: impl TagValue) {
        let Some(value) = value.tag_value() else { return };
        self.asked.listens.push(Interest { key: key.into().to_string(), value });
    }

    /// Sets a timer, or sets it anew: [`Deadline`](crate::saga::Deadline) is handled once so much time has passed.
    pub fn after(&mut self, duration: Duration, name: impl Into<String>) {
        let due = TimeDelta::from_std(duration).ok().and_then(|delta| self.now.checked_add_signed(delta));
        self.at(due.unwrap_or(Timestamp::MAX_UTC), name);
    }

    /// Sets a timer, or sets it anew, for a point in time. One that has passed is due at once.
    pub fn at(&mut self, due: Timestamp, name: impl Into<String>) {
        self.asked.timers.insert(name.into(), Some(due));
    }

    /// Cancels the timer of that name, if there is one.
    pub fn cancel(&mut self, name: impl Into<String>) {
        self.asked.timers.insert(name.into(), None);
    }

    /// What was asked for, unless some of it cannot be.
    pub(crate) fn finish(self) -> Result<Asked, HandlerError> {
        match self.asked.wrong {
            Some(error) => Err(error.into()),
            None => Ok(self.asked),
        }
    }
}

impl AskedCommand {
    fn of(self, service: Name) -> Self {
        Self { service: Some(service), ..self }
    }
}

impl Asked {
    /// Whether nothing at all was asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
            && self.compensations.is_empty()
            && self.timers.is_empty()
            && self.listens.is_empty()
            && !self.end
    }

    fn command<C: Command>(
        &mut self,
        verb: &'static str,
        target: &dyn Display,
        command: &C,
    ) -> Option<AskedCommand> {
        let name = command.command_type().name;
        let asked = AggregateId::parse(target.to_string()).and_then(|target| {
            let payload = encode(command)?;
            Ok(AskedCommand { service: None, aggregate: C::Aggregate::DOMAIN, target, name, payload })
        });
        asked
            .map_err(|error| {
                let error = error.with("asked for by", format!("flow.{verb}")).with("command", name);
                self.wrong.get_or_insert(error);
            })
            .ok()
    }
}

fn encode<C: Command>(command: &C) -> Result<Json> {
    let mut json = Vec::new();
    command.encode(&mut json).and_then(|()| Json::parse(json)).map_err(|error| {
        let message = format!("`{}` has no JSON form", command.command_type().rust_name);
        Error::new(ErrorKind::InvalidInput, "encode command", message).caused_by(error)
    })
}
