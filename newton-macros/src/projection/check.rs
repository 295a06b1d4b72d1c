//! What can be wrong with a projection.

use super::model::{KIND, Model};
use crate::support::attribute;
use crate::support::errors::Errors;

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    model.reaction.check(&KIND, errors);
    if let (None, Some(shared), true) = (&model.sqlite, &model.shared, model.reaction.readable) {
        errors.on(
            shared,
            "only tables can be in the file of the events; add `sqlite` before it, or remove `shared`",
        );
    }
    if let Some(fold) = &model.fold {
        attribute::check_number(fold, errors);
    }
}
