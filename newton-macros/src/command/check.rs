//! What can be wrong with a command.

use super::model::Model;
use crate::support::errors::Errors;
use crate::support::{family, payload};

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    let Model { shape, names, aggregate } = model;
    family::check_names("a command", shape.variants.iter().zip(names), errors);
    shape.refuse_tuples(errors);
    payload::check(shape, errors);
    if aggregate.is_none() {
        errors.on(&shape.ident, format_args!(
            "which aggregate decides on `{}`? add `#[command(aggregate = Type)]`, or end the name in `Command`",
            shape.ident
        ));
    }
}
