//! The language of Graphviz.

use std::fmt::Write;

use super::super::graph::Graph;
use super::super::node::Node;

pub(super) fn export(graph: &Graph) -> String {
    let mut text = String::from("digraph causality {\n  rankdir=LR;\n");
    // Writing to a `String` cannot fail.
    let _ = write(graph, &mut text);
    text + "}\n"
}

fn write(graph: &Graph, text: &mut String) -> std::fmt::Result {
    for (place, node) in graph.nodes().iter().enumerate() {
        let lines: Vec<String> = node.lines().iter().map(|line| quoted(line)).collect();
        writeln!(text, "  n{place} [label=\"{}\", {}];", lines.join("\\n"), look(node))?;
    }
    for link in graph.links() {
        write!(text, "  n{} -> n{}", link.from, link.to)?;
        let label = link.relation.as_ref().map(|relation| format!("label=\"{}\"", quoted(relation)));
        let style = (!link.in_tree).then(|| "style=dashed".to_owned());
        let attributes: Vec<String> = label.into_iter().chain(style).collect();
        if attributes.is_empty() {
            writeln!(text, ";")?;
        } else {
            writeln!(text, " [{}];", attributes.join(", "))?;
        }
    }
    Ok(())
}

fn look(node: &Node) -> &'static str {
    match node {
        Node::Event(_) => "shape=box",
        Node::MissingEvent { .. } => "shape=box, style=dashed",
        Node::Command(_) => "shape=ellipse",
        Node::RejectedCommand { .. } => "shape=ellipse, color=red",
        Node::Dispatch(_) => "shape=cds",
        Node::TimerSet(_) | Node::TimerFired(_) | Node::TimerCancelled(_) => "shape=octagon",
    }
}

/// Text that means itself inside a label in double quotes, where a backslash, a quote and an entity mean something else.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '&' => quoted.push_str("&amp;"),
            c if c.is_control() => quoted.push(char::REPLACEMENT_CHARACTER),
            c => quoted.push(c),
        }
    }
    quoted
}
