//! Attributes of serde that a payload cannot follow.

use newton::prelude::*;

#[derive(Event, Clone)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
enum AccountEvent {
    #[serde(rename = "open")]
    Opened,
}

fn main() {}
