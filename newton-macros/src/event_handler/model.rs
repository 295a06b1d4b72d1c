//! What `#[derive(EventHandler)]` was given.

use syn::meta::ParseNestedMeta;
use syn::{DeriveInput, LitInt, LitStr, Path};

use crate::support::attribute;
use crate::support::errors::Errors;
use crate::support::naming::StableName;
use crate::support::reaction::{Kind, Reaction, Start};

pub(super) const KIND: Kind = Kind {
    attribute: "event_handler",
    what: "an event handler",
    known: "`segments = n`, `by = \"..\"`, `start = \"now\"`, `start = \"origin\"`, `replay_safe`",
};

/// An event handler.
pub(crate) struct Model {
    pub(crate) reaction: Reaction,
    pub(crate) start: Start,
    /// Into how many segments its keys are cut at first.
    pub(crate) segments: Option<LitInt>,
    /// The tag whose value is the key.
    pub(crate) by: Option<StableName>,
    /// The word `replay_safe`, where it was written.
    pub(crate) replay_safe: Option<Path>,
}

/// The attributes that only an event handler has, as written.
#[derive(Default)]
struct Given {
    start: Start,
    segments: Option<LitInt>,
    by: Option<LitStr>,
    replay_safe: Option<Path>,
}

impl Given {
    fn read(&mut self, meta: &ParseNestedMeta) -> syn::Result<bool> {
        match () {
            () if meta.path.is_ident("start") => self.start.read(meta)?,
            () if meta.path.is_ident("segments") => self.segments = Some(attribute::number(meta)?),
            () if meta.path.is_ident("by") => self.by = Some(attribute::text(meta)?),
            () if meta.path.is_ident("replay_safe") => self.replay_safe = Some(meta.path.clone()),
            () => return Ok(false),
        }
        Ok(true)
    }
}

pub(crate) fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    let mut given = Given::default();
    let reaction = Reaction::parse(input, &KIND, errors, |meta| given.read(meta))?;
    let Given { start, segments, by, replay_safe } = given;
    let by = by.map(|text| StableName::of(Some(text), String::new(), &input.ident));
    Some(Model { reaction, start, segments, by, replay_safe })
}
