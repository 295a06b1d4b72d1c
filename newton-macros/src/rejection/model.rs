//! What `#[derive(Rejection)]` was given.

use syn::{Attribute, DeriveInput, LitStr};

use crate::support::attribute;
use crate::support::errors::Errors;
use crate::support::shape::{Shape, Variant};

/// A rejection.
pub(crate) struct Model {
    pub(crate) shape: Shape,
    /// The text given for each variant, or for the struct.
    pub(crate) texts: Vec<Option<LitStr>>,
}

pub(crate) fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    let shape = Shape::parse(input, "a rejection", errors)?;
    if shape.is_enum {
        let message = "each variant has a text of its own; put this on a variant";
        attribute::refuse(&shape.attributes, "rejection", message, errors);
    }
    let texts = shape.variants.iter().map(|variant| text(variant, errors)).collect();
    for field in shape.variants.iter().flat_map(|variant| &variant.fields) {
        let message = "only variants and structs have texts; remove this";
        attribute::refuse(&field.attrs, "rejection", message, errors);
    }
    Some(Model { shape, texts })
}

fn text(variant: &Variant, errors: &mut Errors) -> Option<LitStr> {
    let mut texts = attribute::named(&variant.attributes, "rejection");
    let text = texts.next().and_then(|attribute| parse_text(attribute, errors));
    for surplus in texts {
        errors.on(surplus, "there is a text already; keep one");
    }
    text
}

fn parse_text(attribute: &Attribute, errors: &mut Errors) -> Option<LitStr> {
    let text = attribute.parse_args();
    if text.is_err() {
        errors.on(
            attribute,
            "write the text in quotes, with fields in braces: `#[rejection(\"balance is only {balance}\")]`",
        );
    }
    text.ok()
}
