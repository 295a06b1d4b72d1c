//! Enums and structs whose variants and fields carry data.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Data, DeriveInput, Fields};

use super::errors::Errors;

/// A type without generics: an enum with at least one variant, or a struct.
pub(crate) struct Shape {
    pub(crate) ident: Ident,
    pub(crate) is_enum: bool,
    pub(crate) attributes: Vec<Attribute>,
    /// The enum's variants, or the struct itself.
    pub(crate) variants: Vec<Variant>,
}

/// A variant, or a struct.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) fields: Fields,
}

impl Shape {
    /// Reads a type that is to be `what`, such as "an event".
    pub(crate) fn parse(input: &DeriveInput, what: &str, errors: &mut Errors) -> Option<Self> {
        let DeriveInput { ident, generics, attrs, .. } = input;
        if !generics.params.is_empty() {
            errors.on(
                &generics.params,
                format_args!(
                    "{what} cannot have generics or lifetimes, because its stored form must be one; \
                     remove them from `{ident}` and use owned, concrete types"
                ),
            );
            return None;
        }
        let variants = match &input.data {
            Data::Struct(data) => {
                vec![Variant { ident: ident.clone(), attributes: attrs.clone(), fields: data.fields.clone() }]
            }
            Data::Enum(data) if data.variants.is_empty() => {
                errors
                    .on(ident, format_args!("`{ident}` has no variants; add at least one to make it {what}"));
                return None;
            }
            Data::Enum(data) => data.variants.iter().map(Variant::of).collect(),
            Data::Union(data) => {
                errors.on(
                    &data.union_token,
                    format_args!("a union cannot be {what}; write an enum or a struct"),
                );
                return None;
            }
        };
        let is_enum = matches!(input.data, Data::Enum(_));
        let mut shape = Self { ident: ident.clone(), is_enum, attributes: attrs.clone(), variants };
        shape.name_self();
        Some(shape)
    }

    /// Refuses tuples of several fields, whose JSON would be an array without names.
    pub(crate) fn refuse_tuples(&self, errors: &mut Errors) {
        for Variant { ident, fields, .. } in &self.variants {
            if matches!(fields, Fields::Unnamed(fields) if fields.unnamed.len() != 1) {
                errors.on(
                    fields,
                    format_args!(
                        "`{ident}` has fields without names, but its payload is a JSON object; \
                     name them: `{ident} {{ name: Type, .. }}`"
                    ),
                );
            }
        }
    }

    /// Replaces `Self` in the types of fields, which are repeated inside other types.
    fn name_self(&mut self) {
        for field in self.variants.iter_mut().flat_map(|variant| &mut variant.fields) {
            let tokens = field.ty.to_token_stream();
            if mentions_self(tokens.clone()) {
                field.ty = syn::Type::Verbatim(replace_self(tokens, &self.ident));
            }
        }
    }
}

impl Variant {
    fn of(variant: &syn::Variant) -> Self {
        Self {
            ident: variant.ident.clone(),
            attributes: variant.attrs.clone(),
            fields: variant.fields.clone(),
        }
    }
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}

fn replace_self(tokens: TokenStream, by: &Ident) -> TokenStream {
    let replace = |token| match token {
        TokenTree::Ident(ident) if ident == "Self" => TokenTree::Ident(by.clone()),
        TokenTree::Group(group) => {
            let mut replaced = proc_macro2::Group::new(group.delimiter(), replace_self(group.stream(), by));
            replaced.set_span(group.span());
            TokenTree::Group(replaced)
        }
        token => token,
    };
    tokens.into_iter().map(replace).collect()
}
