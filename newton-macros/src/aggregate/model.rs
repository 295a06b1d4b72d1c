//! What `#[derive(Aggregate)]` was given.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::{
    Attribute, Data, DeriveInput, Expr, Field, LitInt, LitStr, Member, Meta, Token, Type, Visibility,
    parse_quote,
};

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
    pub(crate) unique: Vec<Unique>,
    /// The tokens of the file it is written in, where the compiler knows it.
    pub(crate) file: Option<TokenStream>,
}

/// A `#[unique(..)]` field.
pub(crate) struct Unique {
    pub(crate) name: StableName,
    pub(crate) member: Member,
    pub(crate) ty: Type,
    /// A rejection, or what makes one of the value.
    pub(crate) taken: Expr,
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
    attribute::refuse(
        &shape.attributes,
        "unique",
        "what is unique is a field; put `#[unique(..)]` on a field",
        errors,
    );
    let ident = shape.ident.clone();
    let rejection = given.rejection.unwrap_or_else(|| by_convention(&ident, "Error"));
    Some(Model {
        unique: unique(&shape, &rejection, errors),
        shape,
        is_public: matches!(input.vis, Visibility::Public(_)),
        context: given.context.map(|context| StableName::of(Some(context), String::new(), &ident)),
        name: StableName::of(given.name, plain(&ident), &ident),
        event: given.event.unwrap_or_else(|| by_convention(&ident, "Event")),
        command: given.command.unwrap_or_else(|| by_convention(&ident, "Command")),
        rejection,
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

fn unique(shape: &Shape, rejection: &Type, errors: &mut Errors) -> Vec<Unique> {
    let mut unique = Vec::new();
    let fields = &shape.variants[0].fields;
    for (field, member) in fields.iter().zip(fields.members()) {
        let mut attributes = attribute::named(&field.attrs, "unique");
        if let Some(attribute) = attributes.next() {
            match unique_field(field, member, attribute, rejection) {
                Ok(field) => unique.push(field),
                Err(error) => errors.add(error),
            }
        }
        for surplus in attributes {
            errors.on(surplus, "the field is unique already; keep one");
        }
    }
    unique
}

/// `#[unique(Error::Taken)]` or `#[unique(Error::Taken, name = "..")]`.
fn unique_field(
    field: &Field,
    member: Member,
    attribute: &Attribute,
    rejection: &Type,
) -> syn::Result<Unique> {
    let rejection = rejection.to_token_stream();
    let usage = format!(
        "say how a value that another one has is refused: `#[unique({rejection}::..)]`, and behind it, where the \
         field's own name will not do, `name = \"..\"`"
    );
    if matches!(&attribute.meta, Meta::Path(_)) {
        return Err(syn::Error::new_spanned(attribute, usage));
    }
    let (taken, name) = attribute.parse_args_with(|input: ParseStream<'_>| {
        if input.is_empty() {
            return Err(syn::Error::new_spanned(attribute, &usage));
        }
        let taken = match input.parse()? {
            misplaced @ (Expr::Assign(_) | Expr::Lit(_)) => {
                return Err(syn::Error::new_spanned(misplaced, &usage));
            }
            taken => taken,
        };
        Ok((taken, unique_name(input)?))
    })?;
    let name = match (&field.ident, name) {
        (Some(ident), name) => StableName::of(name, plain(ident), ident),
        (None, Some(name)) => StableName { text: name.value(), span: name.span() },
        (None, None) => {
            let message = "a field without a name needs one here; add `name = \"..\"`";
            return Err(syn::Error::new_spanned(attribute, message));
        }
    };
    Ok(Unique { name, member, ty: field.ty.clone(), taken })
}

/// The rest of the attribute: nothing, or `, name = ".."`.
fn unique_name(input: ParseStream<'_>) -> syn::Result<Option<LitStr>> {
    if input.is_empty() {
        return Ok(None);
    }
    input.parse::<Token![,]>()?;
    if input.is_empty() {
        return Ok(None);
    }
    let word: Ident = input.parse()?;
    if word != "name" {
        let message = "unknown attribute; `#[unique(..)]` knows: `name = \"..\"`";
        return Err(syn::Error::new(word.span(), message));
    }
    input.parse::<Token![=]>()?;
    let name = input.parse()?;
    input.parse::<Option<Token![,]>>()?;
    Ok(Some(name))
}
