//! What can be wrong with a saga.

use super::model::{KIND, Model};
use crate::support::errors::Errors;
use crate::support::payload;

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    model.reaction.check(&KIND, errors);
    payload::check(&model.reaction.shape, errors);
    if let Some(context) = &model.context {
        context.check_part("a context", errors);
    }
    if let Some(key) = &model.key {
        key.check("a tag", errors);
    }
    if model.reaction.readable {
        check_missing(model, errors);
    }
    model.starts_on.check(&model.reaction.handles, errors);
    model.schema.check(errors);
    model.start.check(errors);
}

fn check_missing(model: &Model, errors: &mut Errors) {
    let ident = &model.reaction.shape.ident;
    if model.context.is_none() {
        errors.on(
            ident,
            format_args!("which bounded context does `{ident}` belong to? add `#[saga(context = \"..\")]`"),
        );
    }
    if model.key.is_none() {
        errors.on(
            ident,
            format_args!("by which tag do events find an instance of `{ident}`? add `#[saga(key = \"..\")]`"),
        );
    }
    if !model.starts_on.is_given() {
        errors.on(
            ident,
            format_args!(
                "which events start an instance of `{ident}`? add `#[saga(starts_on(OrderEvent::Placed, ..))]`"
            ),
        );
    }
}
