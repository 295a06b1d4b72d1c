//! One instance as the fold of its stream: pure, without a runtime.
//!
//! What an instance has to do next follows from the fold alone, so a process that dies leaves nothing behind that the
//! next one cannot see:
//!
//! 1. commands are sent in the order they were asked for; each leaves the queue with its outcome
//! 2. one that failed for good holds the queue until the instance was told of it
//! 3. recovered, the queue goes on; otherwise the queue becomes the compensations in reverse
//! 4. once the queue of an ending instance is empty, its end is recorded in the same append

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::domain::{EventId, Metadata, OrderId, RecordedEvent, Tag, Timestamp, Version};
use crate::error::Result;
use crate::saga::record::{
    Advanced, CommandOutcome, Ended, EndedAs, Interest, Json, Outcomes, PlannedCommand, Record, TimerRecord,
    TriggerKind,
};

/// The fold of an instance's stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instance {
    pub(crate) version: Version,
    /// The key, once it was started.
    pub(crate) key: Option<Arc<str>>,
    pub(crate) state: StoredState,
    /// Where it was started.
    pub(crate) started: OrderId,
    /// The events up to here were taken in, or do not concern it.
    pub(crate) position: OrderId,
    pub(crate) timers: BTreeMap<String, Timer>,
    /// The tags it listens to, each from behind a place in the log.
    pub(crate) interests: BTreeMap<Interest, OrderId>,
    /// The commands without an outcome, in order.
    pub(crate) queue: VecDeque<Queued>,
    /// The command that failed for good, until the instance was told of it.
    pub(crate) failed: Option<Failure>,
    /// What to do should a later step fail for good, the latest last.
    compensations: Vec<Queued>,
    /// The records that asked for commands.
    senders: HashSet<EventId>,
    pub(crate) course: Course,
}

/// Where an instance is on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Course {
    /// It takes in triggers.
    #[default]
    Running,
    /// It asked to end; its last commands are under way.
    Ending,
    /// Its compensations are under way.
    Compensating,
    /// A compensation failed.
    Parked,
    /// It is over.
    Over(EndedAs),
}

/// A state as it is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StoredState {
    pub(crate) json: Json,
    /// Its schema.
    pub(crate) version: u32,
}

/// What a record of this instance passes on to what it causes.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) event: EventId,
    pub(crate) metadata: Arc<Metadata>,
}

/// A timer that was set.
#[derive(Clone, Debug)]
pub(crate) struct Timer {
    pub(crate) due: Timestamp,
    pub(crate) set_by: Origin,
}

/// A command that waits for its outcome.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) command: Arc<PlannedCommand>,
    pub(crate) by: Origin,
}

/// A command that failed for good.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) command: Queued,
    pub(crate) outcome: CommandOutcome,
    /// The record that holds the outcome.
    pub(crate) origin: Origin,
}

/// What an instance has to do next.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Commands are to be sent, in order, up to the first that fails.
    Send(Vec<Queued>),
    /// The instance is to be told that a command failed.
    Tell(String),
}

impl Instance {
    /// Folds an event of the instance's stream.
    ///
    /// # Errors
    /// Where it is no record that this program can read.
    pub(crate) fn fold(&mut self, event: &RecordedEvent) -> Result<()> {
        let record = Record::decode(event)?;
        let origin = Origin { event: event.id.clone(), metadata: event.metadata.clone() };
        self.apply(&record, &origin);
        Ok(())
    }

    /// Folds a record, the next in the stream.
    pub(crate) fn apply(&mut self, record: &Record, origin: &Origin) {
        self.version = self.version.next();
        match record {
            Record::Advanced(record) => self.advanced(record, origin),
            Record::Outcome(Outcomes { outcomes }) => {
                for outcome in outcomes {
                    self.settled(outcome, origin);
                }
            }
            Record::Ended(ended) => {
                self.course = match ended.status {
                    EndedAs::Parked => Course::Parked,
                    over => Course::Over(over),
                }
            }
        }
    }

    fn advanced(&mut self, record: &Advanced, origin: &Origin) {
        let order_id = record.trigger.order_id();
        if record.start {
            self.key = record.key.as_deref().map(Into::into);
            self.started = order_id;
        }
        self.position = self.position.max(order_id);
        self.state = StoredState { json: record.state.clone(), version: record.version };
        for gone in &record.timers_gone {
            self.timers.remove(&gone.name);
        }
        for TimerRecord { name, .. } in &record.timers_set {
            self.timers.remove(name);
        }
        for timer in &record.timers_set {
            let set = Timer { due: timer.time(), set_by: origin.clone() };
            self.timers.insert(timer.name.clone(), set);
        }
        for interest in &record.listens {
            self.interests.entry(interest.clone()).or_insert(order_id);
        }
        let queued =
            |command: &PlannedCommand| Queued { command: command.clone().into(), by: origin.clone() };
        if !record.commands.is_empty() || !record.compensations.is_empty() {
            self.senders.insert(origin.event.clone());
        }
        self.compensations.extend(record.compensations.iter().map(queued));
        let commands = record.commands.iter().map(queued);
        match record.trigger.kind {
            TriggerKind::CommandFailed => {
                self.failed = None;
                if record.recover {
                    // What makes up for the failed command takes its place, before those that waited behind it.
                    let behind = std::mem::take(&mut self.queue);
                    self.queue = commands.chain(behind).collect();
                } else {
                    let undo = self.compensations.drain(..).rev();
                    self.queue = commands.chain(undo).collect();
                    self.course = Course::Compensating;
                }
            }
            TriggerKind::Event | TriggerKind::Deadline => self.queue.extend(commands),
        }
        if record.end && self.course == Course::Running {
            self.course = Course::Ending;
        }
        if self.course != Course::Running {
            self.timers.clear();
            self.interests.clear();
        }
    }

    fn settled(&mut self, outcome: &CommandOutcome, origin: &Origin) {
        let Some(at) = self.queue.iter().position(|queued| queued.command.id == outcome.command) else {
            return;
        };
        let failed = outcome.result.is_failure();
        match self.course {
            // It stays in front: whoever retries the instance sends it again.
            Course::Compensating | Course::Parked if failed => {}
            Course::Parked => {
                self.queue.remove(at);
                self.course = Course::Compensating;
            }
            _ => {
                let command = self.queue.remove(at);
                if let Some(command) = command.filter(|_| failed) {
                    self.failed = Some(Failure { command, outcome: outcome.clone(), origin: origin.clone() });
                }
            }
        }
    }

    /// What is to be done next, if anything.
    pub(crate) fn work(&self) -> Option<Work> {
        if let Some(failed) = &self.failed {
            return Some(Work::Tell(failed.command.command.id.clone()));
        }
        match self.course {
            Course::Parked | Course::Over(_) => None,
            _ if !self.queue.is_empty() => Some(Work::Send(self.queue.iter().cloned().collect())),
            _ => None,
        }
    }

    /// The end that has come, if it has: it is recorded together with what brought it about.
    pub(crate) fn close(&self) -> Option<Ended> {
        let is_done = self.failed.is_none() && self.queue.is_empty();
        match self.course {
            Course::Ending if is_done => Some(self.ended(EndedAs::Ended, None)),
            Course::Compensating if is_done => Some(self.ended(EndedAs::Compensated, None)),
            _ => None,
        }
    }

    /// The end that follows from a compensation's outcome, if it failed.
    pub(crate) fn standstill(&self, outcomes: &Outcomes) -> Option<Ended> {
        let failed = outcomes.outcomes.last().filter(|last| last.result.is_failure())?;
        let compensating = matches!(self.course, Course::Compensating | Course::Parked);
        let command = self.queue.iter().find(|queued| queued.command.id == failed.command)?;
        let reason = failed.reason.as_deref().unwrap_or("no reason is known");
        let reason = format!("the compensation `{}` failed: {reason}", command.command.name);
        compensating.then(|| self.ended(EndedAs::Parked, Some(reason)))
    }

    fn ended(&self, status: EndedAs, reason: Option<String>) -> Ended {
        Ended { key: self.key.as_deref().unwrap_or_default().to_owned(), status, reason }
    }

    /// Whether the outcome of a command is not known yet, or was a failed compensation's.
    pub(crate) fn awaits(&self, outcome: &CommandOutcome) -> bool {
        self.queue.iter().any(|queued| queued.command.id == outcome.command)
    }

    /// Whether it was started.
    pub(crate) fn exists(&self) -> bool {
        self.version > Version::EMPTY
    }

    /// Whether it takes in no more events and deadlines.
    pub(crate) fn is_over(&self) -> bool {
        self.course != Course::Running
    }

    /// Whether an event came of one of its commands.
    pub(crate) fn has_caused(&self, metadata: &Metadata) -> bool {
        metadata.cause.as_ref().is_some_and(|cause| self.senders.contains(&cause.id))
    }

    /// Whether it listens to an event at that place with one of these tags.
    pub(crate) fn listens_to(&self, order_id: OrderId, tags: &[Tag]) -> bool {
        !self.interests.is_empty()
            && tags.iter().any(|tag| {
                let interest = Interest { key: tag.key.to_string(), value: tag.value.to_string() };
                self.interests.get(&interest).is_some_and(|since| *since < order_id)
            })
    }
}

#[cfg(test)]
mod tests;
