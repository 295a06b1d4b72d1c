//! What `#[derive(Saga)]` was given.

use syn::meta::ParseNestedMeta;
use syn::{DeriveInput, LitStr};

use super::starts::StartsOn;
use crate::support::attribute;
use crate::support::errors::Errors;
use crate::support::naming::StableName;
use crate::support::reaction::{Kind, Reaction, Start};
use crate::support::schema::Schema;

pub(super) const KIND: Kind = Kind {
    attribute: "saga",
    what: "a saga",
    known: "`context = \"..\"`, `key = \"..\"`, `starts_on(OrderEvent::Placed, ..)`, `version = n`, \
            `upcast(1 => function, ..)`, `start = \"now\"`, `start = \"origin\"`",
};

/// A saga.
pub(crate) struct Model {
    pub(crate) reaction: Reaction,
    pub(crate) context: Option<StableName>,
    pub(crate) key: Option<StableName>,
    pub(crate) starts_on: StartsOn,
    pub(crate) schema: Schema,
    pub(crate) start: Start,
}

/// The attributes that only a saga has, as written.
#[derive(Default)]
struct Given {
    context: Option<LitStr>,
    key: Option<LitStr>,
    starts_on: StartsOn,
    schema: Schema,
    start: Start,
}

impl Given {
    fn read(&mut self, meta: &ParseNestedMeta) -> syn::Result<bool> {
        match () {
            () if meta.path.is_ident("context") => self.context = Some(attribute::text(meta)?),
            () if meta.path.is_ident("key") => self.key = Some(attribute::text(meta)?),
            () if meta.path.is_ident("starts_on") => self.starts_on.read(meta)?,
            () if meta.path.is_ident("start") => self.start.read(meta)?,
            () => return self.schema.read(meta),
        }
        Ok(true)
    }
}

pub(crate) fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    let mut given = Given::default();
    let reaction = Reaction::parse(input, &KIND, errors, |meta| given.read(meta))?;
    let name =
        |text: Option<LitStr>| text.map(|text| StableName::of(Some(text), String::new(), &input.ident));
    Some(Model {
        reaction,
        context: name(given.context),
        key: name(given.key),
        starts_on: given.starts_on,
        schema: given.schema,
        start: given.start,
    })
}
