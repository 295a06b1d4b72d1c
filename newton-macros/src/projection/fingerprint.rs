//! The derive's part of a projection's fingerprint: its fields and the tokens of its handlers.

use proc_macro2::TokenStream;

use super::model::Model;
use crate::support::hash::Hash;
use crate::support::naming::plain;
use crate::support::source;

/// The hash, or nothing where a handler is not found and no number stands for it.
pub(super) fn fold(model: &Model) -> Option<u64> {
    let mut hash = Hash::new();
    hash.fields(&model.reaction.shape);
    if let Some(number) = &model.fold {
        hash.text(number.base10_digits());
    } else {
        hash_handlers(model, model.file.as_ref()?, &mut hash)?;
    }
    Some(hash.finish())
}

fn hash_handlers(model: &Model, file: &TokenStream, hash: &mut Hash) -> Option<()> {
    let owner = plain(&model.reaction.shape.ident);
    for handled in model.reaction.handles.iter() {
        hash.tokens(source::trait_impl(file.clone(), "On", &handled.name(), &owner)?);
    }
    if model.sqlite.is_some() {
        let setups = source::inherent_functions(file.clone(), &owner, "setup");
        if !setups.is_empty() {
            hash.tokens(source::the_one(setups)?);
        }
    }
    Some(())
}
