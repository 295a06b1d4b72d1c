//! The derive's part of an aggregate's fingerprint: the fields of its state and the tokens of `evolve`.

use quote::ToTokens;

use super::model::Model;
use crate::support::attribute::named;
use crate::support::hash::Hash;
use crate::support::naming::plain;
use crate::support::source;

/// The hash, or nothing where `evolve` is not found and no number stands for it.
pub(super) fn fold(model: &Model) -> Option<u64> {
    let mut hash = Hash::new();
    for attribute in named(&model.shape.attributes, "serde") {
        hash.tokens(attribute.to_token_stream());
    }
    for field in model.shape.variants.iter().flat_map(|variant| &variant.fields) {
        for attribute in named(&field.attrs, "serde") {
            hash.tokens(attribute.to_token_stream());
        }
        hash.tokens(field.ident.to_token_stream());
        hash.tokens(field.ty.to_token_stream());
    }
    if let Some(number) = &model.fold {
        hash.text(number.base10_digits());
    } else {
        let evolve = source::inherent_function(model.file.clone()?, &plain(&model.shape.ident), "evolve")?;
        hash.tokens(evolve);
    }
    Some(hash.finish())
}
