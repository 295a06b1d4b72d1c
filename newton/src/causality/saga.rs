//! What the records of sagas add to a graph: commands with their dispatches, and timers.
//!
//! A record of a trigger is the cause of what it asks for: `record -> dispatch -> command -> events`. The record of an
//! outcome is an effect of the command, so that what a saga does about a failure hangs below the command that failed:
//! `command -> outcome -> record`. A timer stands between the record that set it and the one it led to:
//! `record -> timer set -> timer fired -> record`. What was held ready for a failure hangs below the record of the failure,
//! with an edge from the record that held it ready.

use std::collections::HashSet;

use super::build::{Build, COMPENSATION};
use super::node::{CommandNode, DispatchNode, DispatchResult, EventNode, Node, NodeId, TimerNode};
use crate::domain::{CommandId, Name, Timestamp};
use crate::saga::record::{
    Advanced, CommandOutcome, CommandResult, Ended, EndedAs, PlannedCommand, Record, TimerRecord, TriggerKind,
};

/// What a reader is told of a record besides its type.
pub(super) fn detail(record: &Record) -> Option<String> {
    let Record::Ended(Ended { status, reason, .. }) = record else { return None };
    let status = match status {
        EndedAs::Ended => "ended",
        EndedAs::Compensated => "compensated",
        EndedAs::Parked => "parked",
    };
    Some(reason.as_ref().map_or_else(|| status.to_owned(), |reason| format!("{status}: {reason}")))
}

impl<'a> Build<'a> {
    pub(super) fn record(&mut self, event: &'a EventNode, record: &'a Record) {
        let node = match record {
            Record::Advanced(advanced) => self.advanced(event, advanced),
            Record::Outcome(outcomes) => self.outcomes(event, &outcomes.outcomes),
            Record::Ended(_) => self.ended(event),
        };
        self.last.insert(&event.stream, (event.version, node));
    }

    fn advanced(&mut self, event: &'a EventNode, advanced: &'a Advanced) -> usize {
        let trigger = &advanced.trigger;
        let cause = match (trigger.kind, trigger.name.as_deref()) {
            (TriggerKind::Deadline, Some(name)) => Some((self.fired(event, name), None)),
            _ => self.cause(event),
        };
        let node = self.event(&event.id);
        self.link_cause(cause, node);
        for sent in &advanced.commands {
            self.dispatch(node, sent, None);
        }
        if trigger.kind == TriggerKind::CommandFailed && !advanced.recover {
            self.compensate(event, node);
        }
        for sent in &advanced.compensations {
            let id = CommandId::from(sent.id.as_str());
            self.undo.entry(&event.stream).or_default().push(id.clone());
            self.compensations.insert(id, (node, sent));
        }
        self.timers(event, node, advanced);
        node
    }

    /// A failure that nothing made good: what was held ready for it is sent, the latest first.
    fn compensate(&mut self, event: &'a EventNode, failure: usize) {
        for id in self.undo.remove(&event.stream).into_iter().flatten().rev() {
            if let Some((by, sent)) = self.compensations.remove(&id) {
                self.dispatch(failure, sent, Some(COMPENSATION));
                let dispatch = self.pending(&id);
                self.link(by, dispatch, Some(COMPENSATION));
            }
        }
    }

    /// The end of an instance comes with the record that brought it about, and names the same cause.
    fn ended(&mut self, event: &'a EventNode) -> usize {
        let before = self.last.get(&event.stream).filter(|(version, _)| version.next() == event.version);
        let cause = before.map(|(_, node)| (*node, None)).or_else(|| self.cause(event));
        let node = self.event(&event.id);
        self.link_cause(cause, node);
        node
    }

    /// A command that a record asks for; gives the command's node.
    pub(super) fn dispatch(&mut self, by: usize, sent: &PlannedCommand, relation: Option<Name>) -> usize {
        let id = CommandId::from(sent.id.as_str());
        let dispatch = self.pending(&id);
        self.link(by, dispatch, relation);
        let known = CommandNode {
            name: Some(sent.name.as_str().into()),
            target: Some(sent.address().into()),
            id: id.clone(),
        };
        let command = self.add(NodeId::Command(id), || Node::Command(known.clone()));
        if let Node::Command(node) | Node::RejectedCommand { command: node, .. } = &mut self.nodes[command] {
            *node = known;
        }
        self.link(dispatch, command, None);
        command
    }

    /// The dispatch of a command, of which nothing more need be known.
    fn pending(&mut self, id: &CommandId) -> usize {
        self.add(NodeId::Dispatch(id.clone()), || {
            Node::Dispatch(DispatchNode {
                command_id: id.clone(),
                attempts: None,
                result: DispatchResult::Pending,
                reason: None,
            })
        })
    }

    fn outcomes(&mut self, event: &'a EventNode, outcomes: &'a [CommandOutcome]) -> usize {
        let cause = self.cause(event);
        let mut commands = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            commands.push(self.settle(outcome, cause.as_ref().map(|(cause, _)| *cause)));
        }
        let node = self.event(&event.id);
        if commands.is_empty() {
            self.link_cause(cause, node);
        }
        // The last one brought the record about: a saga sends up to the first that fails.
        for command in commands.into_iter().rev() {
            self.link(command, node, None);
        }
        node
    }

    /// Notes the outcome of a command; gives the command's node. Where nothing else says who sent it, `cause` did.
    fn settle(&mut self, outcome: &CommandOutcome, cause: Option<usize>) -> usize {
        let id = CommandId::from(outcome.command.as_str());
        let command = self.command(&id, None);
        let unsent = self.find(&NodeId::Dispatch(id.clone())).is_none();
        let dispatch = self.pending(&id);
        if unsent {
            self.link_cause(cause.map(|cause| (cause, None)), dispatch);
            self.link(dispatch, command, None);
        }
        if let Node::Dispatch(node) = &mut self.nodes[dispatch] {
            node.attempts = Some(outcome.attempts);
            node.result = outcome.result.into();
            node.reason.clone_from(&outcome.reason);
        }
        if let Node::Command(node) | Node::RejectedCommand { command: node, .. } = &self.nodes[command] {
            let node = node.clone();
            self.nodes[command] = match outcome.result {
                CommandResult::Rejected => {
                    Node::RejectedCommand { command: node, reason: outcome.reason.clone() }
                }
                _ => Node::Command(node),
            };
        }
        command
    }

    /// Timers that go and come with a record. One that goes without having run out or being set anew was called off, by
    /// name or by the end of the instance.
    fn timers(&mut self, event: &'a EventNode, by: usize, advanced: &'a Advanced) {
        let trigger = &advanced.trigger;
        let fired = trigger.name.as_deref().filter(|_| trigger.kind == TriggerKind::Deadline);
        let goes_on: HashSet<&str> =
            advanced.timers_set.iter().map(|timer| &*timer.name).chain(fired).collect();
        for timer in advanced.timers_gone.iter().filter(|timer| !goes_on.contains(&*timer.name)) {
            self.cancelled(event, by, &timer.name, Some(timer.time()));
        }
        for name in &advanced.timers_cancelled {
            self.cancelled(event, by, name, None);
        }
        for timer in &advanced.timers_set {
            self.set(event, by, timer);
        }
    }

    fn cancelled(&mut self, event: &'a EventNode, by: usize, name: &'a str, due: Option<Timestamp>) {
        let set = self.timers.remove(&(&event.stream, name));
        let (due, name) = (due.or_else(|| self.due(set)), Name::from(name));
        let id = NodeId::TimerCancelled { by: event.id.clone(), name: name.clone() };
        let cancelled = self.add(id, || Node::TimerCancelled(TimerNode { name, by: event.id.clone(), due }));
        self.link(by, cancelled, None);
        self.link_cause(set.map(|set| (set, None)), cancelled);
    }

    fn set(&mut self, event: &'a EventNode, by: usize, timer: &'a TimerRecord) {
        let name = Name::from(timer.name.as_str());
        let due = Some(timer.time());
        let id = NodeId::TimerSet { by: event.id.clone(), name: name.clone() };
        let set = self.add(id, || Node::TimerSet(TimerNode { name, by: event.id.clone(), due }));
        self.link(by, set, None);
        self.timers.insert((&event.stream, &timer.name), set);
    }

    /// The node of the timer that ran out and led to a record: below the setting of it, or what the record names as cause.
    fn fired(&mut self, event: &'a EventNode, name: &'a str) -> usize {
        self.timers.remove(&(&event.stream, name));
        let cause = self.cause(event);
        let by = event.metadata.cause.as_ref().map(|cause| cause.id.clone());
        let set = by.and_then(|by| self.find(&NodeId::TimerSet { by, name: name.into() }));
        let (due, name) = (self.due(set), Name::from(name));
        let fired = self.add(NodeId::TimerFired { by: event.id.clone() }, || {
            Node::TimerFired(TimerNode { name, by: event.id.clone(), due })
        });
        self.link_cause(set.map(|set| (set, None)).or(cause), fired);
        fired
    }

    /// When the timer of a node is due.
    fn due(&self, set: Option<usize>) -> Option<Timestamp> {
        match set.map(|set| &self.nodes[set]) {
            Some(Node::TimerSet(timer)) => timer.due,
            _ => None,
        }
    }
}

impl From<CommandResult> for DispatchResult {
    fn from(result: CommandResult) -> Self {
        match result {
            CommandResult::Done => Self::Done,
            CommandResult::Rejected => Self::Rejected,
            CommandResult::Failed => Self::Failed,
            CommandResult::Dropped => Self::Dropped,
        }
    }
}
