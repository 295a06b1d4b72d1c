//! JSON, in the shape that `Graph::to_json` documents.

use serde::Serialize;

use super::super::graph::Graph;
use super::super::node::{self, CommandNode, EventNode, Node, TimerNode};

#[derive(Serialize)]
struct GraphShape<'a> {
    nodes: Vec<NodeShape<'a>>,
    edges: Vec<EdgeShape<'a>>,
}

#[derive(Serialize)]
struct EdgeShape<'a> {
    from: usize,
    to: usize,
    tree: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    relation: Option<&'a str>,
}

/// A node of any kind: the fields that it has.
#[derive(Default, Serialize)]
struct NodeShape<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    event_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

pub(super) fn export(graph: &Graph) -> String {
    let edges = graph.links().iter().map(|link| EdgeShape {
        from: link.from,
        to: link.to,
        tree: link.in_tree,
        relation: link.relation.as_deref(),
    });
    let shape = GraphShape { nodes: graph.nodes().iter().map(node).collect(), edges: edges.collect() };
    // Texts and numbers always have a JSON form.
    serde_json::to_string(&shape).unwrap_or_default()
}

fn node(node: &Node) -> NodeShape<'_> {
    match node {
        Node::Event(node) => event(node),
        Node::MissingEvent { id } => {
            NodeShape { kind: "missing_event", event_id: Some(id.to_string()), ..NodeShape::default() }
        }
        Node::Command(node) => command("command", node),
        Node::RejectedCommand { command: node, reason } => {
            NodeShape { reason: reason.as_deref(), ..command("rejected_command", node) }
        }
        Node::Dispatch(node) => NodeShape {
            kind: "dispatch",
            command_id: Some(node.command_id.to_string()),
            attempts: node.attempts,
            result: Some(node.result.name()),
            reason: node.reason.as_deref(),
            ..NodeShape::default()
        },
        Node::TimerSet(node) => timer("timer_set", node),
        Node::TimerFired(node) => timer("timer_fired", node),
        Node::TimerCancelled(node) => timer("timer_cancelled", node),
    }
}

fn event(node: &EventNode) -> NodeShape<'_> {
    let metadata = &node.metadata;
    NodeShape {
        kind: "event",
        event_id: Some(node.id.to_string()),
        event_type: Some(&node.event_type),
        stream: Some(node.stream.as_str()),
        version: Some(node.version.0),
        order_id: Some(node.order_id.0),
        time: Some(node::time_text(node.time)),
        correlation_id: metadata.correlation_id.as_ref().map(ToString::to_string),
        command_id: metadata.command_id.as_ref().map(ToString::to_string),
        service: metadata.service.as_deref(),
        tenant: metadata.tenant.as_deref(),
        actor: metadata.actor.as_deref(),
        detail: node.detail.as_deref(),
        ..NodeShape::default()
    }
}

fn command<'a>(kind: &'static str, node: &'a CommandNode) -> NodeShape<'a> {
    NodeShape {
        kind,
        command_id: Some(node.id.to_string()),
        name: node.name.as_deref(),
        target: node.target.as_deref(),
        ..NodeShape::default()
    }
}

fn timer<'a>(kind: &'static str, node: &'a TimerNode) -> NodeShape<'a> {
    NodeShape {
        kind,
        name: Some(&node.name),
        by: Some(node.by.to_string()),
        due: node.due.map(node::time_text),
        ..NodeShape::default()
    }
}
