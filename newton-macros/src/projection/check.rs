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
    if let Some(timeout) = &model.timeout_ms {
        if !timeout.base10_parse::<u64>().is_ok_and(|milliseconds| milliseconds > 0) {
            errors.on(timeout, "write how many milliseconds a handler may take for one event, at least 1");
        } else if model.sqlite.is_none() && model.reaction.readable {
            errors.on(
                timeout,
                "only SQL can be interrupted; add `sqlite`, or remove `timeout_ms` and see `Builder::handlers`",
            );
        }
    }
    if let Some(fold) = &model.fold {
        attribute::check_number(fold, errors);
    }
}
