//! Who caused what: the causes of an event, its effects, and all that came of one first cause.
#![doc = include_str!("../../docs/causality.md")]
//!
//! # Map
//!
//! - [`Causality`]: asks a store, from [`App::causality`](crate::App::causality)
//! - [`Graph`]: who caused what, a plain value; [`Node`], [`NodeId`], [`Edge`]: what it is made of
//! - `build`: from events to a graph; `saga`: what the records of sagas add to it
//! - `export`: DOT, Mermaid and JSON

mod build;
mod export;
mod graph;
mod node;
mod query;
mod saga;

pub use graph::{Branch, Edge, Graph};
pub use node::{CommandNode, DispatchNode, DispatchResult, EventNode, Node, NodeId, TimerNode};
pub use query::Causality;
