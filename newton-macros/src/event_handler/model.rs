//! What `#[derive(EventHandler)]` was given.

use syn::{DeriveInput, Path};

use crate::support::errors::Errors;
use crate::support::reaction::{Kind, Reaction, Start};

pub(super) const KIND: Kind = Kind {
    attribute: "event_handler",
    what: "an event handler",
    known: "`start = \"now\"`, `start = \"origin\"`, `replay_safe`",
};

/// An event handler.
pub(crate) struct Model {
    pub(crate) reaction: Reaction,
    pub(crate) start: Start,
    /// The word `replay_safe`, where it was written.
    pub(crate) replay_safe: Option<Path>,
}

pub(crate) fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    let (mut start, mut replay_safe) = (Start::default(), None);
    let reaction = Reaction::parse(input, &KIND, errors, |meta| {
        match () {
            () if meta.path.is_ident("start") => start.read(meta)?,
            () if meta.path.is_ident("replay_safe") => replay_safe = Some(meta.path.clone()),
            () => return Ok(false),
        }
        Ok(true)
    })?;
    Some(Model { reaction, start, replay_safe })
}
