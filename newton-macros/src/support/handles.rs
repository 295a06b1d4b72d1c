//! `handles(AccountEvent, OrderEvent)`: what a type listens to.

use std::collections::HashSet;

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Path, Token, Type, parenthesized};

use super::errors::Errors;
use super::naming::plain;

/// What was listed, in the user's own tokens.
#[derive(Default)]
pub(crate) struct Handles {
    /// The word `handles`, where it was written.
    word: Option<Path>,
    types: Vec<Type>,
}

/// One listed type.
pub(crate) struct Handled<'a> {
    pub(crate) path: &'a Path,
}

impl Handles {
    /// Reads the types between the parentheses.
    pub(crate) fn read(&mut self, meta: &ParseNestedMeta) -> syn::Result<()> {
        self.types.extend(list::<Type>(meta, "write the types as `handles(AccountEvent, ..)`")?);
        self.word = Some(meta.path.clone());
        Ok(())
    }

    /// Whether `handles` was written.
    pub(crate) fn is_given(&self) -> bool {
        self.word.is_some()
    }

    /// Refuses an empty list, what is no path, and a type listed twice.
    pub(crate) fn check(&self, errors: &mut Errors) {
        if let (Some(word), true) = (&self.word, self.types.is_empty()) {
            errors.on(
                word,
                "the list is empty; write the event types to listen to: `handles(AccountEvent, ..)`",
            );
        }
        let mut seen = HashSet::new();
        for ty in &self.types {
            if path_of(ty).is_none() {
                errors.on(ty, "write the name of an event type, such as `AccountEvent`");
            } else if !seen.insert(ty.to_token_stream().to_string()) {
                errors.on(ty, format_args!("`{}` is listed already; remove it here", compact(ty)));
            }
        }
    }

    /// The listed types, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Handled<'_>> {
        self.types.iter().filter_map(|ty| Some(Handled { path: path_of(ty)? }))
    }
}

impl Handled<'_> {
    /// The last word of its path.
    pub(crate) fn name(&self) -> String {
        last(self.path).map(plain).unwrap_or_default()
    }

    /// The place of the user's token, but the names of this code.
    pub(crate) fn span(&self) -> Span {
        span(self.path)
    }
}

/// A list between parentheses; `usage` says how it is written.
pub(crate) fn list<T: syn::parse::Parse>(
    meta: &ParseNestedMeta,
    usage: &str,
) -> syn::Result<Punctuated<T, Token![,]>> {
    if !meta.input.peek(syn::token::Paren) {
        return Err(meta.error(usage));
    }
    let content;
    parenthesized!(content in meta.input);
    Punctuated::parse_terminated(&content)
}

/// The last word of a path.
pub(crate) fn last(path: &Path) -> Option<&Ident> {
    path.segments.last().map(|segment| &segment.ident)
}

/// The place of a path's last word, but the names of this code.
pub(crate) fn span(path: &Path) -> Span {
    last(path).map_or_else(Span::call_site, |word| word.span().resolved_at(Span::call_site()))
}

/// Tokens as one would write them: `shop::OrderEvent`.
pub(crate) fn compact(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

fn path_of(ty: &Type) -> Option<&Path> {
    match ty {
        Type::Path(path) if path.qself.is_none() => Some(&path.path),
        Type::Group(group) => path_of(&group.elem),
        _ => None,
    }
}
