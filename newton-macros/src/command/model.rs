//! What `#[derive(Command)]` was given.

use proc_macro2::Ident;
use syn::{DeriveInput, Type, parse_quote};

use crate::support::attribute;
use crate::support::errors::Errors;
use crate::support::family;
use crate::support::naming::{StableName, plain};
use crate::support::shape::{Shape, Variant};

/// A command family.
pub(crate) struct Model {
    pub(crate) shape: Shape,
    /// One for each variant, or one for the struct.
    pub(crate) names: Vec<StableName>,
    /// The aggregate given, or the one by convention, where there is one.
    pub(crate) aggregate: Option<Type>,
}

const NAME: &str = "`name = \"..\"`";
const AGGREGATE: &str = "`aggregate = Type`";

pub(crate) fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    let shape = Shape::parse(input, "a command", errors)?;
    let mut aggregate = aggregate_by_convention(&shape.ident);
    let names = if shape.is_enum {
        attribute::read(&shape.attributes, "command", AGGREGATE, errors, |meta, _| {
            let known = meta.path.is_ident("aggregate");
            if known {
                aggregate = Some(meta.value()?.parse()?);
            }
            Ok(known)
        });
        shape.variants.iter().map(|variant| name(&shape, variant, NAME, None, errors)).collect()
    } else {
        let known = format!("{NAME}, {AGGREGATE}");
        vec![name(&shape, &shape.variants[0], &known, Some(&mut aggregate), errors)]
    };
    for field in shape.variants.iter().flat_map(|variant| &variant.fields) {
        let message = "only commands have names and aggregates, fields have none; remove this";
        attribute::refuse(&field.attrs, "command", message, errors);
    }
    Some(Model { shape, names, aggregate })
}

/// Reads the attributes of a variant, or of a struct, which names its aggregate in the same place.
fn name(
    shape: &Shape,
    variant: &Variant,
    known: &str,
    mut aggregate: Option<&mut Option<Type>>,
    errors: &mut Errors,
) -> StableName {
    let mut name = None;
    attribute::read(&variant.attributes, "command", known, errors, |meta, _| {
        if meta.path.is_ident("name") {
            name = Some(attribute::text(meta)?);
        } else if let Some(aggregate) = aggregate.as_deref_mut().filter(|_| meta.path.is_ident("aggregate")) {
            *aggregate = Some(meta.value()?.parse()?);
        } else {
            return Ok(false);
        }
        Ok(true)
    });
    StableName::of(name, family::default_name(shape, variant, "Command"), &variant.ident)
}

/// `Account` for `AccountCommand`.
fn aggregate_by_convention(ident: &Ident) -> Option<Type> {
    let name = plain(ident);
    let aggregate = name.strip_suffix("Command").filter(|name| !name.is_empty())?;
    let aggregate = Ident::new(aggregate, ident.span());
    Some(parse_quote!(#aggregate))
}
