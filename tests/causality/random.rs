//! Whatever the events are, each is in exactly one tree, and every export holds together.

use std::collections::HashSet;

use newton::causality::{Graph, Node, NodeId};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::hand::{Made, made, recorded};
use super::sagas::command;

const IDS: [&str; 8] = ["1", "2", "3", "4", "5", "6", "7", "\"8"];
const STREAMS: [&str; 4] = ["a/B/1", "a/B/2", "$saga/a.S/1", "$saga/a.S/2"];

fn id() -> impl Strategy<Value = String> {
    select(&IDS[..]).prop_map(str::to_owned)
}

/// Often one of a few, so that they meet; sometimes anything.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(&["t", "u"][..]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn commands() -> impl Strategy<Value = Value> {
    let one = (id(), name()).prop_map(|(id, name)| command(&id, "a/B", &name, &name));
    vec(one, 0..3).prop_map(Value::from)
}

fn timers() -> impl Strategy<Value = Value> {
    vec((name(), any::<i64>()), 0..3)
        .prop_map(|timers| timers.into_iter().map(|(name, due)| json!({"name": name, "due": due})).collect())
}

fn advanced() -> impl Strategy<Value = (String, Value)> {
    let kind = select(&["event", "deadline", "command_failed", "unknown"][..]);
    let timers = (timers(), timers(), vec(name(), 0..2));
    (kind, name(), commands(), commands(), timers, any::<bool>()).prop_map(
        |(kind, name, commands, compensations, (set, gone, cancelled), recover)| {
            let record = json!({
                "trigger": {"id": "x", "kind": kind, "name": name}, "commands": commands,
                "compensations": compensations, "timers_set": set, "timers_gone": gone,
                "timers_cancelled": cancelled, "recover": recover, "state": {}, "version": 1,
            });
            ("$SagaAdvanced".to_owned(), record)
        },
    )
}

fn outcome() -> impl Strategy<Value = (String, Value)> {
    let result = select(&["done", "rejected", "failed", "dropped"][..]);
    let one = (id(), result, any::<u32>(), option::of(any::<String>())).prop_map(
        |(command, result, attempts, reason)| {
            json!({"command": command, "result": result, "attempts": attempts, "reason": reason})
        },
    );
    vec(one, 0..3).prop_map(|outcomes| ("$SagaOutcome".to_owned(), json!({"outcomes": outcomes})))
}

fn content() -> impl Strategy<Value = (String, Value)> {
    prop_oneof![
        3 => name().prop_map(|name| (name, json!({}))),
        2 => advanced(),
        2 => outcome(),
        1 => (select(&["ended", "compensated", "parked"][..]), name()).prop_map(|(status, reason)| {
            ("$SagaEnded".to_owned(), json!({"key": "k", "status": status, "reason": reason}))
        }),
    ]
}

fn event() -> impl Strategy<Value = Made> {
    let metadata = (option::of((id(), name())), option::of(id()), option::of(select(&["c", "d"][..])));
    (id(), select(&STREAMS[..]), content(), metadata).prop_map(
        |(id, stream, (event_type, payload), (cause, command, correlation))| {
            let mut made = made(&id, stream, &event_type).saying(&payload).correlated(correlation);
            if let Some((cause, relation)) = cause {
                made = made.because(&cause, &relation);
            }
            if let Some(command) = command {
                made = made.of_command(&command);
            }
            made
        },
    )
}

/// Events of which no two have one id.
fn events() -> impl Strategy<Value = Vec<Made>> {
    vec(event(), 0..12).prop_map(|events| {
        let mut seen = HashSet::new();
        events.into_iter().filter(|made| seen.insert(made.event.id.clone())).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_event_is_in_exactly_one_tree(events in events()) {
        let events = recorded(&events);
        let graph = Graph::of(&events);
        let walked: Vec<NodeId> = graph.walk().map(|branch| branch.node.id()).collect();
        let distinct: HashSet<&NodeId> = walked.iter().collect();
        prop_assert_eq!(distinct.len(), walked.len(), "a node is walked twice: {}", graph);
        prop_assert_eq!(walked.len(), graph.len(), "a node is in no tree: {}", graph);
        for event in &events {
            let id = NodeId::from(event.id.clone());
            prop_assert!(distinct.contains(&id));
            prop_assert!(matches!(graph.node(&id), Some(Node::Event(_))));
            prop_assert_eq!(graph.causes(&id)[0].id(), id.clone());
            let effects = graph.effects(&id);
            prop_assert_eq!(effects.roots().next().map(Node::id), Some(id));
            let closed = graph.edges().filter(|edge| !edge.in_tree).count();
            prop_assert!(effects.roots().count() <= 1 + closed, "{}", effects);
        }
        let in_tree = graph.edges().filter(|edge| edge.in_tree).count();
        prop_assert_eq!(in_tree + graph.roots().count(), graph.len());
    }

    #[test]
    fn exports_hold_together(events in events()) {
        let graph = Graph::of(&recorded(&events));
        let (nodes, edges) = (graph.len(), graph.edges().count());
        prop_assert_eq!(check_lines(&graph.to_dot(), '\\'), nodes + edges + 3);
        prop_assert_eq!(check_lines(&graph.to_mermaid(), '\0'), nodes + edges + 1);
        let json: Value = serde_json::from_str(&graph.to_json()).unwrap();
        prop_assert_eq!(json["nodes"].as_array().unwrap().len(), nodes);
        for edge in json["edges"].as_array().unwrap() {
            prop_assert!(edge["from"].as_u64().unwrap() < nodes as u64 && edge["to"].as_u64().unwrap() < nodes as u64);
        }
        prop_assert_eq!(graph.to_string().lines().count(), nodes);
    }
}

/// Counts lines, of which each closes its quotes and has nothing outside them that a name could have brought.
fn check_lines(text: &str, escape: char) -> usize {
    for line in text.lines() {
        let (mut quoted, mut escaped) = (false, false);
        for c in line.chars() {
            match c {
                _ if escaped => escaped = false,
                c if quoted && c == escape => escaped = true,
                '"' => quoted = !quoted,
                c => assert!(quoted || c.is_ascii() && !c.is_control(), "{line}"),
            }
        }
        assert!(!quoted, "a quote is open: {line}");
    }
    text.lines().count()
}
