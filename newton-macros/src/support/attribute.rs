//! Reads `#[event(..)]` and its like.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, ExprLit, Lit, LitInt, LitStr, Meta};

use super::errors::Errors;

/// Reads each item of every attribute called `name`. What `read` does not know, it answers with `false`.
///
/// Says whether everything could be read.
pub(crate) fn read(
    attributes: &[Attribute],
    name: &str,
    known: &str,
    errors: &mut Errors,
    mut read: impl FnMut(&ParseNestedMeta, &mut Errors) -> syn::Result<bool>,
) -> bool {
    let mut readable = true;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        if let Meta::Path(_) = attribute.meta {
            errors.on(attribute, format_args!("write `#[{name}(..)]` with one of: {known}"));
            continue;
        }
        let outcome = attribute.parse_nested_meta(|meta| {
            if !read(&meta, errors)? {
                errors.on(&meta.path, format_args!("unknown attribute; `#[{name}(..)]` knows: {known}"));
                skip_value(meta.input)?;
            }
            Ok(())
        });
        if let Err(error) = outcome {
            errors.add(error);
            readable = false;
        }
    }
    readable
}

/// Passes over the value of an unknown item, so that the items behind it are still read.
fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(syn::Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

/// Whether an attribute has this name.
pub(crate) fn named<'a>(attributes: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a Attribute> {
    attributes.iter().filter(move |attribute| attribute.path().is_ident(name))
}

/// Refuses attributes where they would have no effect.
pub(crate) fn refuse(attributes: &[Attribute], name: &str, message: &str, errors: &mut Errors) {
    for attribute in named(attributes, name) {
        errors.on(attribute, message);
    }
}

/// The text of `name = ".."`.
pub(crate) fn text(meta: &ParseNestedMeta) -> syn::Result<LitStr> {
    match value(meta)? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        other => Err(syn::Error::new_spanned(other, "write a text in quotes, such as \"name\"")),
    }
}

/// The number of `name = 1`.
pub(crate) fn number(meta: &ParseNestedMeta) -> syn::Result<LitInt> {
    match value(meta)? {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => Ok(number),
        other => Err(syn::Error::new_spanned(other, "write a whole number, such as 1")),
    }
}

/// Refuses what is beyond 64 bits.
pub(crate) fn check_number(number: &LitInt, errors: &mut Errors) {
    if number.base10_parse::<u64>().is_err() {
        errors.on(number, "write a whole number below 2^64");
    }
}

/// The expression behind `=`, out of the invisible group that a `macro_rules` puts around it.
fn value(meta: &ParseNestedMeta) -> syn::Result<Expr> {
    let mut value = meta.value()?.parse()?;
    while let Expr::Group(group) = value {
        value = *group.expr;
    }
    Ok(value)
}

/// What stands between the parentheses of an item, or nothing.
pub(crate) fn rest(meta: &ParseNestedMeta) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !meta.input.is_empty() && !meta.input.peek(syn::Token![,]) {
        tokens.extend([meta.input.parse::<proc_macro2::TokenTree>()?]);
    }
    Ok(tokens)
}
