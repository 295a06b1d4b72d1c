//! Names that two types claim.

use std::collections::HashMap;

use crate::error::{Error, ErrorKind, Result};
use crate::registry::Registry;

/// A claim to a name: the name, and the path of the Rust type or variant.
type Claim = (&'static str, String);

pub(super) fn check(registry: &Registry) -> Result<()> {
    let events = registry.events.iter().flat_map(|family| {
        family.types.iter().map(|event| (event.name, member(family.rust_name, event.rust_name)))
    });
    let commands = registry.commands.iter().flat_map(|family| {
        family.types.iter().map(|command| (command.name, member(family.rust_name, command.rust_name)))
    });
    let aggregates = registry.aggregates.iter().map(|entry| (entry.domain, entry.rust_name.to_owned()));
    let reactions = registry.reactions.iter().map(|entry| (entry.name, entry.rust_name.to_owned()));
    let messages: Vec<String> = rivals("event type", "#[event(name = \"..\")]", events)
        .chain(rivals("command", "#[command(name = \"..\")]", commands))
        .chain(rivals("aggregate", "#[aggregate(name = \"..\")]", aggregates))
        .chain(rivals("projection, saga or event handler", "name = \"..\"", reactions))
        .collect();
    if messages.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration, "register types", messages.join("; ")))
}

fn rivals(kind: &str, attribute: &str, claims: impl Iterator<Item = Claim>) -> impl Iterator<Item = String> {
    let mut first: HashMap<&str, String> = HashMap::new();
    claims.filter_map(move |(name, path)| {
        if let Some(other) = first.get(name) {
            return Some(format!(
                "the {kind} `{name}` is claimed by `{other}` and by `{path}`; rename one with `{attribute}`"
            ));
        }
        first.insert(name, path);
        None
    })
}

/// The path of a family's member: the family's own where it is a struct, else with the variant behind it.
///
/// The family's path comes from the compiler and knows the function a type is declared in; the member's does not.
fn member(family: &str, rust_name: &str) -> String {
    let last = |path: &'_ str| path.rsplit("::").next().map(str::to_owned);
    match (last(family), last(rust_name)) {
        (Some(own), Some(variant)) if own != variant => format!("{family}::{variant}"),
        _ => family.to_owned(),
    }
}
