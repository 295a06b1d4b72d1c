//! `starts_on(OrderEvent::Placed, ..)`: the events that start an instance.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;
use syn::meta::ParseNestedMeta;

use crate::support::errors::Errors;
use crate::support::handles::{Handles, compact, last, list, span};

/// What was listed, in the user's own tokens.
#[derive(Default)]
pub(crate) struct StartsOn {
    /// The word `starts_on`, where it was written.
    word: Option<Path>,
    paths: Vec<Path>,
}

/// What one path stands for.
enum Start {
    /// Every event of a type.
    Type,
    /// One variant of this type.
    Variant(Path),
}

impl StartsOn {
    /// Reads the paths between the parentheses.
    pub(crate) fn read(&mut self, meta: &ParseNestedMeta) -> syn::Result<()> {
        self.paths.extend(list::<Path>(meta, "write the events as `starts_on(OrderEvent::Placed, ..)`")?);
        self.word = Some(meta.path.clone());
        Ok(())
    }

    /// Whether `starts_on` was written.
    pub(crate) fn is_given(&self) -> bool {
        self.word.is_some()
    }

    /// Refuses an empty list, a path listed twice, and what `handles` does not list.
    pub(crate) fn check(&self, handles: &Handles, errors: &mut Errors) {
        if let (Some(word), true) = (&self.word, self.paths.is_empty()) {
            errors.on(
                word,
                "the list is empty; write what starts an instance: `starts_on(OrderEvent::Placed)`",
            );
        }
        let mut seen = HashSet::new();
        for path in &self.paths {
            if !seen.insert(path.to_token_stream().to_string()) {
                errors.on(path, format_args!("`{}` is listed already; remove it here", compact(path)));
            } else if handles.is_given() && start(path, handles).is_none() {
                let family = parent(path).unwrap_or_else(|| path.clone());
                errors.on(
                    path,
                    format_args!(
                        "the saga does not listen to this; add `{}` to `handles(..)`",
                        compact(&family)
                    ),
                );
            }
        }
    }

    /// The body of `starts_on(event)`. The user's paths are patterns, so that a wrong variant reports itself.
    pub(crate) fn body(&self, handles: &Handles) -> TokenStream {
        let tests = self.paths.iter().map(|path| {
            let (family, is_start) = match start(path, handles) {
                Some(Start::Variant(family)) => (family, quote!(::core::matches!(event, #path { .. }))),
                _ => (
                    path.clone(),
                    quote!({
                        let _ = event;
                        true
                    }),
                ),
            };
            let here = span(&family);
            let starts = quote_spanned!(here=> ::newton::__private::starts::<#family>);
            quote! {
                if #starts(event, |event| #is_start)? {
                    return ::core::result::Result::Ok(true);
                }
            }
        });
        quote! {
            #(#tests)*
            ::core::result::Result::Ok(false)
        }
    }
}

/// What a path stands for, judged by the types that `handles` lists: first by their paths, then by their last words.
fn start(path: &Path, handles: &Handles) -> Option<Start> {
    let text = |path: &Path| path.to_token_stream().to_string();
    let is_listed = |path: &Path| handles.iter().any(|handled| text(handled.path) == text(path));
    let is_named = |path: &Path| handles.iter().any(|handled| last(handled.path) == last(path));
    let family = parent(path);
    [&is_listed as &dyn Fn(&Path) -> bool, &is_named].into_iter().find_map(|fits| match &family {
        _ if fits(path) => Some(Start::Type),
        Some(family) if fits(family) => Some(Start::Variant(family.clone())),
        _ => None,
    })
}

/// A path without its last word: `OrderEvent` of `OrderEvent::Placed`.
fn parent(path: &Path) -> Option<Path> {
    let mut parent = path.clone();
    parent.segments.pop();
    parent.segments.pop_punct();
    (!parent.segments.is_empty()).then_some(parent)
}
