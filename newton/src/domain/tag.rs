//! Tags: indexed key and value pairs of an event.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::Name;

/// An indexed pair of an event, by which events are found and sagas are routed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(Name, String)", into = "(Name, String)")]
pub struct Tag {
    /// What kind of thing the value names, such as `order`.
    pub key: Name,
    /// The value, such as an order's id.
    pub value: Arc<str>,
}

impl Tag {
    /// A tag.
    pub fn new(key: impl Into<Name>, value: impl Into<Arc<str>>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

impl From<(Name, String)> for Tag {
    fn from((key, value): (Name, String)) -> Self {
        Self::new(key, value)
    }
}

impl From<Tag> for (Name, String) {
    fn from(tag: Tag) -> Self {
        (tag.key, (*tag.value).to_owned())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.key, self.value)
    }
}

/// A type whose values can be tags, or unique: texts, integers, `bool`, UUIDs, and options and references of these.
///
/// Implement it for an id type of your own:
///
/// ```
/// struct OrderId(u64);
///
/// impl newton::TagValue for OrderId {
///     fn tag_value(&self) -> Option<String> {
///         Some(format!("order-{}", self.0))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tag or unique",
    label = "a `#[tag]` or `#[unique]` field must be a text, an integer, a bool, a UUID, or an option of these",
    note = "implement `newton::TagValue` for `{Self}`, or remove the attribute"
)]
pub trait TagValue {
    /// The text that is indexed; `None` leaves the event without this tag, or the aggregate without this value.
    fn tag_value(&self) -> Option<String>;
}

macro_rules! by_display {
    ($($type:ty),*) => {
        $(impl TagValue for $type {
            fn tag_value(&self) -> Option<String> {
                Some(self.to_string())
            }
        })*
    };
}

by_display!(str, String, Arc<str>, Box<str>, Name, bool, Uuid);
by_display!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl<T: TagValue> TagValue for Option<T> {
    fn tag_value(&self) -> Option<String> {
        self.as_ref().and_then(TagValue::tag_value)
    }
}

impl<T: TagValue + ?Sized> TagValue for &T {
    fn tag_value(&self) -> Option<String> {
        (**self).tag_value()
    }
}
