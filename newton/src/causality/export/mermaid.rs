//! Mermaid's flowcharts.

use std::fmt::Write;

use super::super::graph::Graph;
use super::super::node::Node;

pub(super) fn export(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    // Writing to a `String` cannot fail.
    let _ = write(graph, &mut text);
    text
}

fn write(graph: &Graph, text: &mut String) -> std::fmt::Result {
    for (place, node) in graph.nodes().iter().enumerate() {
        let lines: Vec<String> = node.lines().iter().map(|line| escaped(line)).collect();
        let (open, close) = brackets(node);
        writeln!(text, "  n{place}{open}\"{}\"{close}", lines.join("<br/>"))?;
    }
    for link in graph.links() {
        let arrow = if link.in_tree { "-->" } else { "-.->" };
        match &link.relation {
            Some(relation) => {
                writeln!(text, "  n{} {arrow}|\"{}\"| n{}", link.from, escaped(relation), link.to)?;
            }
            None => writeln!(text, "  n{} {arrow} n{}", link.from, link.to)?,
        }
    }
    Ok(())
}

fn brackets(node: &Node) -> (&'static str, &'static str) {
    match node {
        Node::Event(_) => ("[", "]"),
        Node::MissingEvent { .. } => ("[/", "/]"),
        Node::Command(_) => ("([", "])"),
        Node::RejectedCommand { .. } => ("{{", "}}"),
        Node::Dispatch(_) => (">", "]"),
        Node::TimerSet(_) | Node::TimerFired(_) | Node::TimerCancelled(_) => ("((", "))"),
    }
}

/// Text that means itself inside a label. Mermaid looks for comments, styles, formulas and markdown even there: all but
/// letters, digits and a few harmless signs is written as the number of the character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() || " -/.,".contains(c) => escaped.push(c),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => {
                // Writing to a `String` cannot fail.
                let _ = write!(escaped, "#{};", u32::from(c));
            }
        }
    }
    escaped
}
