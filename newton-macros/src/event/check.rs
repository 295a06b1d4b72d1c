//! What can be wrong with an event.

use syn::LitInt;

use super::model::{EventType, Model};
use crate::support::errors::Errors;
use crate::support::{family, payload};

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    let names = model.shape.variants.iter().zip(model.types.iter().map(|event| &event.name));
    family::check_names("an event type", names, errors);
    model.shape.refuse_tuples(errors);
    payload::check(&model.shape, errors);
    for event in &model.types {
        check_schema(event, errors);
        for tag in &event.tags {
            tag.key.check("a tag", errors);
        }
    }
}

/// Checks that there is one step from each earlier schema.
fn check_schema(event: &EventType, errors: &mut Errors) {
    let Some(version) = &event.version else {
        if let Some(upcast) = &event.upcast {
            let present = event.steps.len() + 1;
            errors
                .on(upcast, format_args!("upcasts lead to a version; add `version = {present}` before them"));
        }
        return;
    };
    let Some(present) = schema(version, errors) else { return };
    let mut expected = 1;
    for step in &event.steps {
        let Some(from) = schema(&step.from, errors) else { return };
        if from >= present {
            errors.on(&step.from, format_args!(
                "there is no step from version {from}, because {present} is the present one; remove it or raise `version`"
            ));
            return;
        }
        if from < expected {
            errors.on(
                &step.from,
                format_args!(
                    "there is a step from version {from} before this; write the next, from {expected}"
                ),
            );
            return;
        }
        if from > expected {
            errors.on(&step.from, format_args!("the step from version {expected} is missing; add `{expected} => from_v{expected}` before this"));
            return;
        }
        expected += 1;
    }
    if expected < present {
        let message = format!(
            "the step from version {expected} is missing; add `{expected} => from_v{expected}` to `upcast(..)`"
        );
        match &event.upcast {
            Some(upcast) => errors.on(upcast, message),
            None => errors.on(version, message),
        }
    }
}

fn schema(number: &LitInt, errors: &mut Errors) -> Option<u32> {
    match number.base10_parse() {
        Ok(schema) if schema > 0 => Some(schema),
        _ => {
            errors.on(number, "a version is a whole number from 1 up, below 2^32");
            None
        }
    }
}
