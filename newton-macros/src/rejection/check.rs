//! What can be wrong with a rejection.

use super::model::Model;
use crate::support::container;
use crate::support::errors::Errors;

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    for item in container::items(&model.shape.attributes, errors) {
        if item.is("remote") || item.is("crate") {
            errors.on(&item, "the derive sets this itself; remove it");
        }
    }
}
