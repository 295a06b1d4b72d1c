//! Instances of sagas as tests compare them: all that counts, and nothing that two runs may differ in.

use std::collections::BTreeMap;

use crate::domain::{EventId, RecordedEvent, StreamName};
use crate::error::Result;
use crate::saga::instance::{Instance, Origin};
use crate::saga::names::Names;
use crate::saga::record::{CommandResult, PlannedCommand, Record};
use crate::saga::{Saga, SagaStatus, ask};

/// An instance, as of the end of its stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Surveyed {
    /// Its key.
    pub(crate) key: String,
    /// Where it is on its way.
    pub(crate) status: SagaStatus,
    /// Its state as JSON.
    pub(crate) state: String,
    /// Every command it asked for, what it asked to be made good with, and what came of each, in order.
    pub(crate) commands: Vec<(PlannedCommand, Option<CommandResult>)>,
    /// The ids of the commands that make good what was done.
    pub(crate) compensations: Vec<String>,
    /// The names of its timers, and when they are due.
    pub(crate) timers: Vec<(String, i64)>,
    /// How many commands have no outcome, or one that the instance was not told of.
    pub(crate) unsettled: usize,
}

/// The domain stream of a saga.
pub(crate) fn domain_of<S: Saga>() -> Result<StreamName> {
    Names::of::<S>().map(|names| names.domain)
}

/// The instances of all sagas whose records are among some events, by their streams.
pub(crate) fn survey(events: &[RecordedEvent]) -> Result<BTreeMap<StreamName, Surveyed>> {
    let mut streams: BTreeMap<StreamName, Vec<&RecordedEvent>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.stream.as_str().starts_with("$saga/")) {
        streams.entry(event.stream.clone()).or_default().push(event);
    }
    streams.into_iter().map(|(stream, events)| Ok((stream, surveyed(&events)?))).collect()
}

fn surveyed(events: &[&RecordedEvent]) -> Result<Surveyed> {
    let mut instance = Instance::default();
    let (mut commands, mut compensations, mut results) = (Vec::new(), Vec::new(), BTreeMap::new());
    for event in events {
        let record = Record::decode(event)?;
        let origin = Origin { event: EventId::clone(&event.id), metadata: event.metadata.clone() };
        instance.apply(&record, &origin);
        match record {
            Record::Advanced(advanced) => {
                compensations.extend(advanced.compensations.iter().map(|command| command.id.clone()));
                commands.extend(advanced.commands);
                commands.extend(advanced.compensations);
            }
            Record::Outcome(outcomes) => {
                results
                    .extend(outcomes.outcomes.into_iter().map(|outcome| (outcome.command, outcome.result)));
            }
            Record::Ended(_) => {}
        }
    }
    let timers = instance.timers.iter();
    Ok(Surveyed {
        key: instance.key.as_deref().unwrap_or_default().to_owned(),
        status: ask::status(&instance.course),
        state: instance.state.json.as_str().to_owned(),
        timers: timers.map(|(name, timer)| (name.clone(), timer.due.timestamp_micros())).collect(),
        unsettled: instance.queue.len() + usize::from(instance.failed.is_some()),
        commands: commands
            .into_iter()
            .map(|command| {
                let result = results.get(&command.id).copied();
                (command, result)
            })
            .collect(),
        compensations,
    })
}
