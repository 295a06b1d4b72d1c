//! Graphs as text for other programs. The same graph gives the same text, whatever its names are.

mod dot;
mod json;
mod mermaid;

use super::graph::Graph;

impl Graph {
    /// The graph in the language of Graphviz: `dot -Tsvg` draws it. Edges beside the tree are dashed.
    pub fn to_dot(&self) -> String {
        dot::export(self)
    }

    /// The graph as a Mermaid flowchart, which many wikis and code hosts draw; without further settings up to 500 edges
    /// and 50,000 characters. Edges beside the tree are dotted.
    pub fn to_mermaid(&self) -> String {
        mermaid::export(self)
    }

    /// The graph as JSON: `{"nodes":[..],"edges":[..]}`.
    ///
    /// Each node has a `kind`, and what is known of the rest:
    ///
    /// | kind | fields |
    /// |---|---|
    /// | `event` | `event_id`, `type`, `stream`, `version`, `order_id`, `time`, `correlation_id`, `command_id`, `service`, `tenant`, `actor`, `detail` |
    /// | `missing_event` | `event_id` |
    /// | `command` | `command_id`, `name`, `target` |
    /// | `rejected_command` | `command_id`, `name`, `target`, `reason` |
    /// | `dispatch` | `command_id`, `attempts`, `result` (`pending`, `done`, `rejected`, `failed`, `dropped`), `reason` |
    /// | `timer_set`, `timer_fired`, `timer_cancelled` | `name`, `by` (an event's id), `due` |
    ///
    /// An edge has `from` and `to`, the places of two nodes counted from 0, `tree`, whether the tree has it, and where it
    /// is known its `relation`. Times are RFC 3339 in UTC with microseconds. Fields of which nothing is known are left out.
    /// Fields may be added in later versions, and kinds; none changes its meaning.
    pub fn to_json(&self) -> String {
        json::export(self)
    }
}
