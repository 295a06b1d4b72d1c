//! What a file with domain types needs: `use newton::prelude::*;`.

pub use crate::{Aggregate, Command, Context, Decision, Event, Rejection, Result, TagValue};
