//! What `#[derive(Aggregate)]` was given.

use proc_macro2::{Ident, TokenStream};
use syn::meta::ParseNestedMeta;
use syn::{Data, DeriveInput, LitInt, LitStr, Type, Visibility, parse_quote};

use crate::support::attribute;
use crate::support::errors::Errors;
use crate::support::naming::{StableName, plain};
use crate::support::shape::Shape;
use crate::support::source;

/// An aggregate.
pub(crate) struct Model {
    pub(crate) shape: Shape,
    pub(crate) is_public: bool,
    pub(crate) context: Option<StableName>,
    pub(crate) name: StableName,
    pub(crate) event: Type,
    pub(crate) command: Type,
    pub(crate) rejection: Type,
    pub(crate) snapshot_every: Option<LitInt>,
    pub(crate) fold: Option<LitInt>,
    /// The tokens of the file it is written in, where the compiler knows it.
    pub(crate) file: Option<TokenStream>,
}

/// The attributes as written.
#[derive(Default)]
struct Given {
    context: Option<LitStr>,
    name: Option<LitStr>,
    event: Option<Type>,
    command: Option<Type>,
    rejection: Option<Type>,
    snapshot_every: Option<LitInt>,
    fold: Option<LitInt>,
}

const KNOWN: &str = "`context = \"..\"`, `name = \"..\"`, `event = Type`, `command = Type`, `rejection = Type`, \
                     `snapshot_every = n`, `fold = n`";

impl Given {
    fn read(&mut self, meta: &ParseNestedMeta) -> syn::Result<bool> {
        match () {
            () if meta.path.is_ident("context") => self.context = Some(attribute::text(meta)?),
            () if meta.path.is_ident("name") => self.name = Some(attribute::text(meta)?),
            () if meta.path.is_ident("event") => self.event = Some(meta.value()?.parse()?),
            () if meta.path.is_ident("command") => self.command = Some(meta.value()?.parse()?),
            () if meta.path.is_ident("rejection") => self.rejection = Some(meta.value()?.parse()?),
            () if meta.path.is_ident("snapshot_every") => {
                self.snapshot_every = Some(attribute::number(meta)?);
            }
            () if meta.path.is_ident("fold") => self.fold = Some(attribute::number(meta)?),
            () => return Ok(false),
        }
        Ok(true)
    }
}

pub(crate) fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    if let Data::Enum(data) = &input.data {
        errors.on(
            &data.enum_token,
            format_args!(
                "an aggregate is a struct, so that its state can grow; \
             write `struct {} {{ state: State }}` with the enum as the type of a field",
                input.ident
            ),
        );
        return None;
    }
    let shape = Shape::parse(input, "an aggregate", errors)?;
    let mut given = Given::default();
    attribute::read(&shape.attributes, "aggregate", KNOWN, errors, |meta, _| given.read(meta));
    let ident = shape.ident.clone();
    Some(Model {
        shape,
        is_public: matches!(input.vis, Visibility::Public(_)),
        context: given.context.map(|context| StableName::of(Some(context), String::new(), &ident)),
        name: StableName::of(given.name, plain(&ident), &ident),
        event: given.event.unwrap_or_else(|| by_convention(&ident, "Event")),
        command: given.command.unwrap_or_else(|| by_convention(&ident, "Command")),
        rejection: given.rejection.unwrap_or_else(|| by_convention(&ident, "Error")),
        snapshot_every: given.snapshot_every,
        fold: given.fold,
        file: source::file_of(&ident),
    })
}

/// `AccountEvent` for `Account`.
fn by_convention(ident: &Ident, suffix: &str) -> Type {
    let name = Ident::new(&(plain(ident) + suffix), ident.span());
    parse_quote!(#name)
}
