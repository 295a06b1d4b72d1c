//! What can be wrong with an event handler.

use super::model::{KIND, Model};
use crate::support::errors::Errors;

/// As many as `newton` can cut a reaction into.
const MOST_SEGMENTS: u32 = 1_024;

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    model.reaction.check(&KIND, errors);
    model.start.check(errors);
    if let Some(by) = &model.by {
        by.check("a tag", errors);
    }
    if let Some(segments) = &model.segments
        && !segments.base10_parse::<u32>().is_ok_and(|segments| (1..=MOST_SEGMENTS).contains(&segments))
    {
        errors.on(segments, format_args!("write a number of segments from 1 to {MOST_SEGMENTS}"));
    }
}
