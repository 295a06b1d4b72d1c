//! What can be wrong with an event.

use super::model::Model;
use crate::support::errors::Errors;
use crate::support::{family, payload};

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    let names = model.shape.variants.iter().zip(model.types.iter().map(|event| &event.name));
    family::check_names("an event type", names, errors);
    model.shape.refuse_tuples(errors);
    payload::check(&model.shape, errors);
    for event in &model.types {
        event.schema.check(errors);
        for tag in &event.tags {
            tag.key.check("a tag", errors);
        }
    }
}
