//! Who caused what, as a plain value.
//!
//! Every node has at most one cause in the tree: the first that was found. Others are edges beside it, and so is the edge
//! that would close a circle, which only foreign data can have. What is left is a forest, and each node is in one tree.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::build;
use super::node::{Node, NodeId};
use crate::domain::{EventId, Name, RecordedEvent};

/// Who caused what: events, the commands between them, and what sagas dispatched and timed.
///
/// ```
/// use newton::causality::Graph;
///
/// let graph = Graph::of(&[]);
/// assert!(graph.is_empty());
/// assert_eq!(graph.to_json(), r#"{"nodes":[],"edges":[]}"#);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    links: Vec<Link>,
    places: HashMap<NodeId, usize>,
    /// Of each node, the link from its first cause.
    causes: Vec<Option<usize>>,
    /// Of each node, those below it in the tree.
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
}

/// One node that caused another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge<'a> {
    /// The cause.
    pub from: &'a Node,
    /// The effect.
    pub to: &'a Node,
    /// In which way, in the words of whoever recorded it.
    pub relation: Option<&'a Name>,
    /// Whether the tree has it. It has not what would be a second cause, or close a circle.
    pub in_tree: bool,
}

/// A node on a walk through the trees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Branch<'a> {
    /// How far below its root, which is at 0.
    pub depth: usize,
    /// The node.
    pub node: &'a Node,
}

/// An edge between two places.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) relation: Option<Name>,
    pub(super) in_tree: bool,
}

impl Graph {
    /// The graph of some events, in any order. A cause that is not among them is a [`Node::MissingEvent`].
    pub fn of<'a>(events: impl IntoIterator<Item = &'a RecordedEvent>) -> Self {
        let mut facts: Vec<_> = events.into_iter().map(build::Fact::of).collect();
        build::graph(&mut facts)
    }

    pub(super) fn new(nodes: Vec<Node>, links: Vec<Link>) -> Self {
        Self::rooted(nodes, links, None)
    }

    /// A graph in which a given node is a root, whatever its causes are.
    fn rooted(nodes: Vec<Node>, links: Vec<Link>, root: Option<usize>) -> Self {
        let places = nodes.iter().enumerate().map(|(place, node)| (node.id(), place)).collect();
        let count = nodes.len();
        let (causes, children) = (vec![None; count], vec![Vec::new(); count]);
        let mut graph = Self { nodes, links, places, causes, children, roots: Vec::new() };
        for (index, link) in graph.links.iter_mut().enumerate() {
            link.in_tree = graph.causes[link.to].is_none() && root != Some(link.to);
            if link.in_tree {
                graph.causes[link.to] = Some(index);
            }
        }
        graph.open_circles();
        for place in 0..count {
            match graph.parent(place) {
                Some(parent) => graph.children[parent].push(place),
                None => graph.roots.push(place),
            }
        }
        graph
    }

    /// Every node, each cause before its effects, as far as that is possible.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Every edge.
    pub fn edges(&self) -> impl Iterator<Item = Edge<'_>> {
        self.links.iter().map(|link| Edge {
            from: &self.nodes[link.from],
            to: &self.nodes[link.to],
            relation: link.relation.as_ref(),
            in_tree: link.in_tree,
        })
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node of an id.
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.places.get(id).map(|place| &self.nodes[*place])
    }

    /// Every event, in the order of the nodes.
    pub fn events(&self) -> impl Iterator<Item = &super::EventNode> {
        self.nodes.iter().filter_map(Node::event)
    }

    /// The first causes: one for each tree.
    pub fn roots(&self) -> impl Iterator<Item = &Node> {
        self.roots.iter().map(|place| &self.nodes[*place])
    }

    /// The nodes that this one caused, in the tree.
    pub fn children(&self, id: &NodeId) -> impl Iterator<Item = &Node> {
        let children = self.places.get(id).map_or(&[][..], |place| &self.children[*place]);
        children.iter().map(|place| &self.nodes[*place])
    }

    /// A node, its cause, the cause of that, and so on up to the root; where the causes run in a circle, once around.
    /// Empty where the node is not in the graph.
    pub fn causes(&self, id: &NodeId) -> Vec<&Node> {
        let (mut path, mut seen) = (Vec::new(), HashSet::new());
        let mut next = self.places.get(id).copied();
        while let Some(place) = next.filter(|place| seen.insert(*place)) {
            path.push(&self.nodes[place]);
            next = self.causes[place].map(|link| self.links[link].from);
        }
        path
    }

    /// The graph of a node and of everything that came of it. The node is the first root, and the only one unless causes
    /// run in a circle. Empty where the node is not in the graph.
    #[must_use]
    pub fn effects(&self, id: &NodeId) -> Self {
        let Some(root) = self.places.get(id).copied() else { return Self::default() };
        let mut kept = self.reached_from(root);
        kept.sort_unstable_by_key(|place| (*place != root, *place));
        let moved: HashMap<usize, usize> = kept.iter().enumerate().map(|(to, from)| (*from, to)).collect();
        let nodes = kept.iter().map(|place| self.nodes[*place].clone()).collect();
        let links = self.links.iter().filter_map(|link| {
            let (from, to) = (*moved.get(&link.from)?, *moved.get(&link.to)?);
            Some(Link { from, to, ..link.clone() })
        });
        Self::rooted(nodes, links.collect(), Some(0))
    }

    /// Every node from the roots down: each before those it caused, and these in the order of the nodes.
    pub fn walk(&self) -> impl Iterator<Item = Branch<'_>> {
        let mut waiting: Vec<(usize, usize)> = self.roots.iter().rev().map(|root| (0, *root)).collect();
        std::iter::from_fn(move || {
            let (depth, place) = waiting.pop()?;
            waiting.extend(self.children[place].iter().rev().map(|child| (depth + 1, *child)));
            Some(Branch { depth, node: &self.nodes[place] })
        })
    }

    /// Where the causes of events are that are not among them.
    pub(super) fn missing(&self) -> impl Iterator<Item = &EventId> {
        self.nodes.iter().filter_map(|node| match node {
            Node::MissingEvent { id } => Some(id),
            _ => None,
        })
    }

    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    /// The place above one in the tree.
    fn parent(&self, place: usize) -> Option<usize> {
        self.causes[place].map(|link| &self.links[link]).filter(|link| link.in_tree).map(|link| link.from)
    }

    /// Takes one edge of each circle out of the tree, so that the first node of the circle is a root.
    fn open_circles(&mut self) {
        // From each node up to one that was seen; where that was on the same way up, the way is a circle from there on.
        let mut seen_from: Vec<Option<usize>> = vec![None; self.nodes.len()];
        for start in 0..self.nodes.len() {
            let mut way = Vec::new();
            let mut next = Some(start);
            while let Some(place) = next.filter(|place| seen_from[*place].is_none()) {
                seen_from[place] = Some(start);
                way.push(place);
                next = self.parent(place);
            }
            let met = next.filter(|place| seen_from[*place] == Some(start));
            let circle = met.and_then(|met| way.iter().position(|place| *place == met));
            let first = circle.and_then(|from| way[from..].iter().min());
            if let Some(link) = first.and_then(|first| self.causes[*first]) {
                self.links[link].in_tree = false;
            }
        }
    }

    fn reached_from(&self, root: usize) -> Vec<usize> {
        let mut below: HashMap<usize, Vec<usize>> = HashMap::new();
        for link in &self.links {
            below.entry(link.from).or_default().push(link.to);
        }
        let (mut reached, mut seen) = (vec![root], HashSet::from([root]));
        let mut next = 0;
        while let Some(place) = reached.get(next) {
            let effects = below.get(place).into_iter().flatten();
            let new: Vec<usize> = effects.copied().filter(|place| seen.insert(*place)).collect();
            reached.extend(new);
            next += 1;
        }
        reached
    }
}

impl fmt::Display for Graph {
    /// The trees, a node on each line, indented by its depth.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.walk().try_for_each(|Branch { depth, node }| writeln!(f, "{:1$}{node}", "", depth.min(40) * 2))
    }
}
