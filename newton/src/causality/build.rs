//! From events to a graph: each event below the command that caused it, and that below the event that caused the command.

use std::collections::{HashMap, HashSet};

use super::graph::{Graph, Link};
use super::node::{CommandNode, EventNode, Node, NodeId};
use super::saga;
use crate::domain::{CommandId, EventId, Name, RecordedEvent, StreamName, Version};
use crate::repository::Rejected;
use crate::saga::record::{PlannedCommand, Record};

/// How what is sent because something failed is related to the records that ask for it.
pub(super) const COMPENSATION: Name = Name::from_static("compensation");

/// The streams of sagas begin so.
const SAGAS: &str = "$saga/";

/// What a graph needs to know of an event.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) event: EventNode,
    pub(super) record: Option<Record>,
    rejected: Option<Rejected>,
    /// Whether it is there only as the cause of another, so that its own causes are not looked at.
    elsewhere: bool,
}

impl Fact {
    pub(super) fn of(event: &RecordedEvent) -> Self {
        // A record of a later version is an event like any other.
        let is_saga = event.stream.as_str().starts_with(SAGAS);
        let record = is_saga.then(|| Record::decode(event).ok()).flatten();
        let detail = record.as_ref().and_then(saga::detail);
        let rejected = Rejected::of(event);
        Self { event: EventNode { detail, ..EventNode::from(event) }, record, rejected, elsewhere: false }
    }

    /// An event of another correlation.
    pub(super) fn elsewhere(event: &RecordedEvent) -> Self {
        Self { elsewhere: true, ..Self::of(event) }
    }
}

/// The graph of events, in any order; an event that is there twice counts once.
pub(super) fn graph(facts: &mut [Fact]) -> Graph {
    facts.sort_by_key(|fact| fact.event.order_id);
    let mut events = HashMap::new();
    for fact in facts.iter() {
        events.entry(&fact.event.id).or_insert(&fact.event);
    }
    let mut build = Build { events, ..Build::default() };
    let mut seen = HashSet::new();
    for fact in facts.iter().filter(|fact| !fact.elsewhere && seen.insert(&fact.event.id)) {
        match (&fact.record, &fact.rejected) {
            (Some(record), _) => build.record(&fact.event, record),
            (None, Some(rejected)) => build.rejected(&fact.event, rejected),
            (None, None) => build.plain(&fact.event),
        }
    }
    Graph::new(build.nodes, build.links)
}

/// A graph that is being built.
#[derive(Default)]
pub(super) struct Build<'a> {
    events: HashMap<&'a EventId, &'a EventNode>,
    pub(super) nodes: Vec<Node>,
    places: HashMap<NodeId, usize>,
    links: Vec<Link>,
    linked: HashSet<(usize, usize)>,
    /// Of each saga's stream, the timers that are set, by name.
    pub(super) timers: HashMap<(&'a StreamName, &'a str), usize>,
    /// Commands that are sent only if something fails, with the record that says so.
    pub(super) compensations: HashMap<CommandId, (usize, &'a PlannedCommand)>,
    /// Of each saga's stream, the ids of these in the order they were recorded.
    pub(super) undo: HashMap<&'a StreamName, Vec<CommandId>>,
    /// Of each saga's stream, its last record.
    pub(super) last: HashMap<&'a StreamName, (Version, usize)>,
}

impl Build<'_> {
    /// An event that no part of Newton wrote for itself.
    fn plain(&mut self, event: &EventNode) {
        let cause = self.cause(event);
        let Some(id) = &event.metadata.command_id else {
            let node = self.event(&event.id);
            return self.link_cause(cause, node);
        };
        let command = self.command(id, Some(&event.stream));
        if let Node::RejectedCommand { command: known, .. } = &self.nodes[command] {
            // It took effect after all, when it was given again.
            self.nodes[command] = Node::Command(known.clone());
        }
        if let Some((cause, relation)) = cause
            && !self.is_sent_by(id, cause)
        {
            self.link(cause, command, relation);
        }
        let node = self.event(&event.id);
        self.link(command, node, None);
    }

    /// The record of a command that was rejected: a node of the command, and none of the record.
    fn rejected(&mut self, event: &EventNode, rejected: &Rejected) {
        let Some(id) = &event.metadata.command_id else { return self.plain(event) };
        let command = self.add(NodeId::Command(id.clone()), || Node::RejectedCommand {
            command: CommandNode {
                id: id.clone(),
                name: Some(Name::from(&*rejected.command)),
                target: Some(Name::from(rejected.target.as_str())),
            },
            reason: Some(rejected.reason.clone()),
        });
        let cause = self.cause(event);
        self.link_cause(cause, command);
    }

    /// The node of the event that an event names as its cause, and how they are related.
    pub(super) fn cause(&mut self, event: &EventNode) -> Option<(usize, Option<Name>)> {
        let cause = event.metadata.cause.as_ref()?;
        Some((self.event(&cause.id), cause.relation.clone()))
    }

    /// The node of an event, missing where it is not known.
    pub(super) fn event(&mut self, id: &EventId) -> usize {
        let event = self.events.get(id).copied();
        self.add(NodeId::Event(id.clone()), || match event {
            Some(event) => Node::Event(event.clone()),
            None => Node::MissingEvent { id: id.clone() },
        })
    }

    /// The node of a command; one that a saga held ready was sent, even if the record of the failure is not there.
    pub(super) fn command(&mut self, id: &CommandId, target: Option<&StreamName>) -> usize {
        if let Some((by, sent)) = self.compensations.remove(id) {
            return self.dispatch(by, sent, Some(COMPENSATION));
        }
        let target = target.map(|stream| Name::from(stream.as_str()));
        self.add(NodeId::Command(id.clone()), || {
            Node::Command(CommandNode { id: id.clone(), name: None, target })
        })
    }

    /// Whether a saga's record sent a command, so that the way from one to the other is known.
    fn is_sent_by(&self, id: &CommandId, cause: usize) -> bool {
        let dispatch = self.find(&NodeId::Dispatch(id.clone()));
        dispatch.is_some_and(|dispatch| self.linked.contains(&(cause, dispatch)))
    }

    pub(super) fn find(&self, id: &NodeId) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The node of an id; made where it is new.
    pub(super) fn add(&mut self, id: NodeId, node: impl FnOnce() -> Node) -> usize {
        *self.places.entry(id).or_insert_with(|| {
            self.nodes.push(node());
            self.nodes.len() - 1
        })
    }

    pub(super) fn link_cause(&mut self, cause: Option<(usize, Option<Name>)>, to: usize) {
        if let Some((from, relation)) = cause {
            self.link(from, to, relation);
        }
    }

    pub(super) fn link(&mut self, from: usize, to: usize, relation: Option<Name>) {
        if self.linked.insert((from, to)) {
            self.links.push(Link { from, to, relation, in_tree: false });
        }
    }
}
