//! Which events a read or a condition is about: by type and tag.

use serde::{Deserialize, Serialize};

use crate::domain::{Name, Tag};

/// Events that match any of its filters; without filters, all events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// An event matches the query when it matches one of these.
    pub any: Vec<Filter>,
}

/// Events of any of these types that carry all of these tags. An empty list does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Event type names, one of which the event must have.
    pub types: Vec<Name>,
    /// Tags, all of which the event must have.
    pub tags: Vec<Tag>,
}

impl Query {
    /// All events.
    pub fn all() -> Self {
        Self::default()
    }

    /// Events of one of these types.
    pub fn types<T: Into<Name>>(types: impl IntoIterator<Item = T>) -> Self {
        Filter { types: types.into_iter().map(Into::into).collect(), tags: Vec::new() }.into()
    }

    /// Events that carry all of these tags.
    pub fn tags(tags: impl IntoIterator<Item = Tag>) -> Self {
        Filter { types: Vec::new(), tags: tags.into_iter().collect() }.into()
    }

    /// Also the events that match `filter`.
    #[must_use]
    pub fn or(mut self, filter: Filter) -> Self {
        self.any.push(filter);
        self
    }

    /// Whether every event matches.
    pub fn is_all(&self) -> bool {
        self.any.is_empty() || self.any.iter().any(|filter| *filter == Filter::default())
    }

    /// Whether an event of this type with these tags matches.
    pub fn matches(&self, event_type: &str, tags: &[Tag]) -> bool {
        self.any.is_empty() || self.any.iter().any(|filter| filter.matches(event_type, tags))
    }
}

impl Filter {
    /// Whether an event of this type with these tags matches.
    pub fn matches(&self, event_type: &str, tags: &[Tag]) -> bool {
        (self.types.is_empty() || self.types.iter().any(|name| name == event_type))
            && self.tags.iter().all(|tag| tags.contains(tag))
    }
}

impl From<Filter> for Query {
    fn from(filter: Filter) -> Self {
        Self { any: vec![filter] }
    }
}
