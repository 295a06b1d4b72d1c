//! What `#[derive(Projection)]` was given.

use proc_macro2::TokenStream;
use syn::{DeriveInput, LitInt, Path};

use crate::support::attribute;
use crate::support::errors::Errors;
use crate::support::reaction::{Kind, Reaction};
use crate::support::source;

pub(super) const KIND: Kind = Kind {
    attribute: "projection",
    what: "a projection",
    known: "`sqlite`, `shared`, `timeout_ms = n`, `fold = n`",
};

/// A projection.
pub(crate) struct Model {
    pub(crate) reaction: Reaction,
    /// The word `sqlite`, where it was written.
    pub(crate) sqlite: Option<Path>,
    /// The word `shared`, where it was written.
    pub(crate) shared: Option<Path>,
    /// How long its handler may take for one event.
    pub(crate) timeout_ms: Option<LitInt>,
    pub(crate) fold: Option<LitInt>,
    /// The tokens of the file it is written in, where the compiler knows it.
    pub(crate) file: Option<TokenStream>,
}

pub(crate) fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    let (mut sqlite, mut shared, mut timeout_ms, mut fold) = (None, None, None, None);
    let reaction = Reaction::parse(input, &KIND, errors, |meta| {
        match () {
            () if meta.path.is_ident("sqlite") => sqlite = Some(meta.path.clone()),
            () if meta.path.is_ident("shared") => shared = Some(meta.path.clone()),
            () if meta.path.is_ident("timeout_ms") => timeout_ms = Some(attribute::number(meta)?),
            () if meta.path.is_ident("fold") => fold = Some(attribute::number(meta)?),
            () => return Ok(false),
        }
        Ok(true)
    })?;
    Some(Model { reaction, sqlite, shared, timeout_ms, fold, file: source::file_of(&input.ident) })
}
