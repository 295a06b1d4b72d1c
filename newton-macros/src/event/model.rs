//! What `#[derive(Event)]` was given.

use syn::parse::ParseStream;
use syn::{Attribute, DeriveInput, LitStr, Meta, Token, Type};

use crate::support::attribute;
use crate::support::errors::Errors;
use crate::support::family;
use crate::support::naming::{StableName, plain};
use crate::support::schema::Schema;
use crate::support::shape::{Shape, Variant};

/// An event type family.
pub(crate) struct Model {
    pub(crate) shape: Shape,
    /// One for each variant, or one for the struct.
    pub(crate) types: Vec<EventType>,
}

/// One event type.
pub(crate) struct EventType {
    pub(crate) name: StableName,
    pub(crate) schema: Schema,
    pub(crate) tags: Vec<Tag>,
}

/// A `#[tag]` field.
pub(crate) struct Tag {
    pub(crate) key: StableName,
    pub(crate) member: syn::Member,
    pub(crate) ty: Type,
}

pub(crate) fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    let shape = Shape::parse(input, "an event", errors)?;
    if shape.is_enum {
        let message = "each variant is an event type of its own; put this on a variant";
        attribute::refuse(&shape.attributes, "event", message, errors);
    }
    attribute::refuse(&shape.attributes, "tag", "a tag is a field; put `#[tag]` on a field", errors);
    let types = shape.variants.iter().map(|variant| event_type(&shape, variant, errors)).collect();
    Some(Model { shape, types })
}

fn event_type(shape: &Shape, variant: &Variant, errors: &mut Errors) -> EventType {
    let (mut name, mut schema) = (None, Schema::default());
    let known = "`name = \"..\"`, `version = n`, `upcast(1 => function, ..)`";
    let readable = attribute::read(&variant.attributes, "event", known, errors, |meta, _| {
        if meta.path.is_ident("name") {
            name = Some(attribute::text(meta)?);
            return Ok(true);
        }
        schema.read(meta)
    });
    if shape.is_enum {
        attribute::refuse(&variant.attributes, "tag", "a tag is a field; put `#[tag]` on a field", errors);
    }
    if !readable {
        // What could not be read is reported; gaps that follow from it are not.
        schema = Schema::default();
    }
    let name = StableName::of(name, family::default_name(shape, variant, "Event"), &variant.ident);
    EventType { name, schema, tags: tags(variant, errors) }
}

fn tags(variant: &Variant, errors: &mut Errors) -> Vec<Tag> {
    let mut tags = Vec::new();
    for (field, member) in variant.fields.iter().zip(variant.fields.members()) {
        let mut attributes = attribute::named(&field.attrs, "tag");
        if let Some(attribute) = attributes.next() {
            match (tag_key(attribute), &field.ident) {
                (Ok(None), None) => {
                    errors.on(attribute, "a field without a name has no key; write `#[tag(\"key\")]`");
                }
                (Ok(given), ident) => {
                    let ident = ident.clone().unwrap_or_else(|| variant.ident.clone());
                    let key = StableName::of(given, plain(&ident), &ident);
                    tags.push(Tag { key, member: member.clone(), ty: field.ty.clone() });
                }
                (Err(error), _) => errors.add(error),
            }
        }
        for surplus in attributes {
            errors.on(surplus, "the field is a tag already; keep one");
        }
        let message = "only variants and structs have names and versions; remove this";
        attribute::refuse(&field.attrs, "event", message, errors);
    }
    tags
}

/// The key in `#[tag("key")]` or `#[tag(name = "key")]`; none in `#[tag]`.
fn tag_key(attribute: &Attribute) -> syn::Result<Option<LitStr>> {
    if matches!(attribute.meta, Meta::Path(_)) {
        return Ok(None);
    }
    let parsed = attribute.parse_args_with(|input: ParseStream<'_>| {
        if input.peek(syn::Ident) {
            let word: syn::Ident = input.parse()?;
            if word != "name" {
                return Err(syn::Error::new(word.span(), "unknown attribute; write `#[tag(name = \"..\")]`"));
            }
            input.parse::<Token![=]>()?;
        }
        input.parse()
    });
    parsed.map(Some)
}
