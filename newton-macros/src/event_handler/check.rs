//! What can be wrong with an event handler.

use super::model::{KIND, Model};
use crate::support::errors::Errors;

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    model.reaction.check(&KIND, errors);
    model.start.check(errors);
}
