//! One trigger on one instance: pure, from the fold and the trigger to the record that is to be appended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::domain::id::EventIds;
use crate::domain::{
    Cause, CorrelationId, EventId, HandlerError, Metadata, Name, OrderId, RecordedEvent, StreamName,
    Timestamp,
};
use crate::error::Error;
use crate::repository::panic_text;
use crate::saga::flow::{Asked, AskedCommand};
use crate::saga::instance::{Failure, Instance, StoredState};
use crate::saga::record::{
    Advanced, CommandResult, Json, PlannedCommand, TimerRecord, TriggerKind, TriggerRecord,
};
use crate::saga::{CommandFailed, Deadline, Flow, Saga, Trigger, state};

/// A trigger on its way to an instance.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// An event of the log.
    Event(Arc<RecordedEvent>),
    /// A timer that may be due.
    Deadline { name: String, set_by: EventId },
    /// A command that may have failed for good.
    Failed { command: String },
}

/// Where a trigger meets an instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The instance's stream.
    pub(crate) stream: &'a StreamName,
    /// The key the trigger names, if it does.
    pub(crate) key: Option<&'a str>,
    /// The events up to here were taken to the instance, or do not concern it.
    pub(crate) passed: OrderId,
    pub(crate) now: Timestamp,
    /// Whether the trigger is given up: it leaves its mark, but no handler sees it.
    pub(crate) dropped: bool,
}

/// What comes of a trigger.
#[derive(Debug)]
pub(crate) enum Step {
    /// A record to append.
    Advance(Box<Advance>),
    /// The handler changed nothing and asked for nothing.
    Unchanged,
    /// It was taken in before, does not concern the instance, or is out of date.
    Skipped,
    /// There is no instance it could go to, for this reason.
    Unmatched(&'static str),
    /// The instance takes in no more.
    Late,
}

/// A record to append, and the ids that come with it.
#[derive(Debug)]
pub(crate) struct Advance {
    pub(crate) record: Advanced,
    pub(crate) ids: EventIds,
    pub(crate) metadata: Metadata,
}

/// Why a trigger could not be taken in.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Something is wrong with the trigger, the state or the handler.
    Handler(String),
    /// The store or another part below failed.
    Infrastructure(Error),
}

impl From<HandlerError> for Fault {
    fn from(error: HandlerError) -> Self {
        Self::Handler(error.chain())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Handler(HandlerError::from(error).chain())
    }
}

/// Takes one trigger to one instance.
pub(crate) fn step<S: Saga>(instance: &Instance, input: &Input, place: Place<'_>) -> Result<Step, Fault> {
    let passed = place.passed.max(instance.position);
    match input {
        Input::Event(event) => match admit::<S>(instance, event, place)? {
            Some(refused) => Ok(refused),
            None => advance::<S>(instance, &Cue::of_event(event), place),
        },
        Input::Deadline { name, set_by } => {
            let timer = instance.timers.get(name).filter(|timer| timer.set_by.event == *set_by);
            let Some(timer) = timer else { return Ok(Step::Skipped) };
            let deadline = Deadline { name: name.clone(), due: timer.due };
            advance::<S>(
                instance,
                &Cue::of_deadline(&deadline, set_by, &timer.set_by.metadata, passed),
                place,
            )
        }
        Input::Failed { command } => {
            let failure = instance.failed.as_ref().filter(|failure| failure.command.command.id == *command);
            let Some(failure) = failure else { return Ok(Step::Skipped) };
            advance::<S>(instance, &Cue::of_failure(failure, &told(failure), passed), place)
        }
    }
}

/// Whether an event goes no further.
fn admit<S: Saga>(
    instance: &Instance,
    event: &RecordedEvent,
    place: Place<'_>,
) -> Result<Option<Step>, Fault> {
    if !instance.exists() {
        return Ok(match place.key {
            None => Some(Step::Skipped),
            Some(_) if S::starts_on(event)? => None,
            Some(_) => Some(Step::Unmatched("no instance was started for it")),
        });
    }
    let by_key = is_own(instance, place)?;
    if event.order_id < instance.started {
        return Ok(Some(Step::Unmatched("the instance was started after it")));
    }
    if event.order_id <= instance.position {
        return Ok(Some(Step::Skipped));
    }
    if instance.is_over() {
        // What its own last commands brought about is no surprise.
        let is_late = by_key && !instance.has_caused(&event.metadata);
        return Ok(Some(if is_late { Step::Late } else { Step::Skipped }));
    }
    let concerned = by_key || instance.listens_to(event.order_id, &event.tags);
    Ok((!concerned).then_some(Step::Skipped))
}

/// Whether the instance is the one whose key the trigger names.
fn is_own(instance: &Instance, place: Place<'_>) -> Result<bool, Fault> {
    match (place.key, instance.key.as_deref()) {
        (Some(key), Some(own)) if key != own => {
            let message =
                format!("the keys `{key}` and `{own}` have the same stream; make long keys shorter");
            Err(Fault::Handler(message))
        }
        (key, _) => Ok(key.is_some()),
    }
}

/// A trigger as the handler sees it and as it is recorded.
struct Cue<'a> {
    trigger: Trigger<'a>,
    id: EventId,
    record: TriggerRecord,
    cause: Cause,
    /// The metadata it passes on.
    source: &'a Metadata,
}

impl<'a> Cue<'a> {
    fn of_event(event: &'a RecordedEvent) -> Self {
        let record = TriggerRecord {
            kind: TriggerKind::Event,
            order_id: event.order_id.0,
            event_type: Some(event.event_type.to_string()),
            ..TriggerRecord::default()
        };
        Self::new(Trigger::Event(event), event.id.clone(), record, &event.id, "trigger", &event.metadata)
    }

    fn of_deadline(
        deadline: &'a Deadline,
        set_by: &'a EventId,
        source: &'a Metadata,
        passed: OrderId,
    ) -> Self {
        let id = EventIds::caused_by(set_by, &format!("timer/{}", deadline.name)).at(0);
        let record = TriggerRecord {
            kind: TriggerKind::Deadline,
            order_id: passed.0,
            name: Some(deadline.name.clone()),
            ..TriggerRecord::default()
        };
        Self::new(Trigger::Deadline(deadline), id, record, set_by, "timer", source)
    }

    fn of_failure(failure: &'a Failure, told: &'a CommandFailed, passed: OrderId) -> Self {
        let origin = &failure.origin;
        let id = EventIds::caused_by(&origin.event, &failure.command.command.id).at(0);
        let record = TriggerRecord {
            kind: TriggerKind::CommandFailed,
            order_id: passed.0,
            name: Some(told.name.clone()),
            ..TriggerRecord::default()
        };
        Self::new(Trigger::CommandFailed(told), id, record, &origin.event, "failure", &origin.metadata)
    }

    fn new(
        trigger: Trigger<'a>,
        id: EventId,
        record: TriggerRecord,
        cause: &EventId,
        relation: &'static str,
        source: &'a Metadata,
    ) -> Self {
        let record = TriggerRecord { id: id.to_string(), event_id: Some(cause.to_string()), ..record };
        let cause = Cause { id: cause.clone(), relation: Some(Name::from_static(relation)) };
        Self { trigger, id, record, cause, source }
    }
}

/// What the instance is told of a failed command.
fn told(failure: &Failure) -> CommandFailed {
    let (command, outcome) = (&failure.command.command, &failure.outcome);
    CommandFailed {
        command_id: command.command_id(),
        name: command.name.clone(),
        target: command.target.clone(),
        payload: command.payload.as_str().to_owned(),
        rejected: outcome.result == CommandResult::Rejected,
        reason: outcome.reason.clone().unwrap_or_default(),
        attempts: outcome.attempts,
    }
}

fn advance<S: Saga>(instance: &Instance, cue: &Cue<'_>, place: Place<'_>) -> Result<Step, Fault> {
    let start = !instance.exists();
    let key = instance.key.as_deref().or(place.key).unwrap_or_default();
    let meta = if let Trigger::Event(event) = cue.trigger { Some(event) } else { None };
    let mut flow = Flow::new(key, meta, place.now);
    let (stored, handled) = if place.dropped {
        (instance.state.clone(), true)
    } else {
        let mut state = state::read::<S>(&instance.state)?;
        let handled = guarded(|| state.handle(&cue.trigger, &mut flow))?;
        let json = state.encode_state().and_then(Json::parse).map_err(HandlerError::from)?;
        (StoredState { json, version: S::VERSION }, handled)
    };
    let asked = flow.finish()?;
    let says_nothing = !handled || (stored == instance.state && asked.is_empty());
    if says_nothing && cue.record.kind == TriggerKind::Event && !start {
        return Ok(Step::Unchanged);
    }
    let ids = EventIds::caused_by(&cue.id, place.stream.as_str());
    let record = Advanced {
        key: start.then(|| key.to_owned()),
        state: stored.json,
        version: stored.version,
        start,
        ..record(instance, cue, asked, &ids)
    };
    let metadata = Metadata {
        correlation_id: Some(correlation(cue)),
        cause: Some(cue.cause.clone()),
        tenant: cue.source.tenant.clone(),
        actor: cue.source.actor.clone(),
        ..Metadata::default()
    };
    Ok(Step::Advance(Box::new(Advance { record, ids, metadata })))
}

/// What was asked for, as it is recorded.
fn record(instance: &Instance, cue: &Cue<'_>, asked: Asked, ids: &EventIds) -> Advanced {
    let fired = if let Trigger::Deadline(deadline) = cue.trigger { Some(&deadline.name) } else { None };
    let failed = cue.record.kind == TriggerKind::CommandFailed;
    let over = asked.end || (failed && !asked.recover) || instance.is_over();
    let gone = instance
        .timers
        .iter()
        .filter(|(name, _)| over || fired == Some(*name) || asked.timers.contains_key(*name))
        .map(|(name, timer)| TimerRecord { name: name.clone(), due: timer.due.timestamp_micros() });
    let cancelled =
        asked.timers.iter().filter(|(name, due)| due.is_none() && instance.timers.contains_key(*name));
    let set = asked.timers.iter().filter_map(|(name, due)| {
        let due = due.filter(|_| !over)?;
        Some(TimerRecord { name: name.clone(), due: due.timestamp_micros() })
    });
    // The first two ids are those of the record and of an end in the same append.
    let first = 2;
    let behind = first + asked.commands.len();
    Advanced {
        trigger: cue.record.clone(),
        timers_cancelled: cancelled.map(|(name, _)| name.clone()).collect(),
        timers_gone: gone.collect(),
        timers_set: set.collect(),
        listens: if over { Vec::new() } else { asked.listens },
        commands: planned(asked.commands, ids, first),
        compensations: planned(asked.compensations, ids, behind),
        recover: failed && asked.recover,
        end: asked.end,
        ..Advanced::default()
    }
}

fn planned(commands: Vec<AskedCommand>, ids: &EventIds, first: usize) -> Vec<PlannedCommand> {
    let planned = |(index, asked): (usize, AskedCommand)| PlannedCommand {
        id: ids.at(first + index).to_string(),
        service: asked.service.map(|service| service.to_string()),
        aggregate: asked.aggregate.to_owned(),
        target: asked.target.to_string(),
        name: asked.name.to_owned(),
        payload: asked.payload,
    };
    commands.into_iter().enumerate().map(planned).collect()
}

/// The trigger's correlation; an event of another program that has none begins one.
fn correlation(cue: &Cue<'_>) -> CorrelationId {
    cue.source.correlation_id.clone().unwrap_or_else(|| CorrelationId::from(cue.cause.id.to_string()))
}

/// Calls a user's handler; a panic in it is a failure like any other.
fn guarded<T>(call: impl FnOnce() -> Result<T, HandlerError>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(|error| match infrastructure(&error) {
            Some(error) => Fault::Infrastructure(error),
            None => error.into(),
        }),
        Err(panic) => Err(Fault::Handler(format!("the handler panicked: {}", panic_text(&*panic)))),
    }
}

fn infrastructure(error: &HandlerError) -> Option<Error> {
    error.downcast_ref::<Error>().filter(|_| error.is_infrastructure()).map(Error::duplicate)
}
