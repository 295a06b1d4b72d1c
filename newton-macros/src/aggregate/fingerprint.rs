//! The derive's part of an aggregate's fingerprint: the fields of its state and the tokens of `evolve`.

use super::model::Model;
use crate::support::hash::Hash;
use crate::support::naming::plain;
use crate::support::source;

/// The hash, or nothing where `evolve` is not found and no number stands for it.
pub(super) fn fold(model: &Model) -> Option<u64> {
    let mut hash = Hash::new();
    hash.fields(&model.shape);
    if let Some(number) = &model.fold {
        hash.text(number.base10_digits());
    } else {
        let evolve = source::inherent_function(model.file.clone()?, &plain(&model.shape.ident), "evolve")?;
        hash.tokens(evolve);
    }
    Some(hash.finish())
}
