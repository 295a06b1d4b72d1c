//! The last step of encoding and decoding.

use serde::de::{DeserializeOwned, Error};
use serde_json::de::SliceRead;

use crate::domain::{Name, Tag};

/// Reads a value from JSON.
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(json)
}

/// Reads a value from JSON with the code of a type that mirrors it.
pub fn decode_remote<'a, T>(
    json: &'a [u8],
    read: impl FnOnce(&mut serde_json::Deserializer<SliceRead<'a>>) -> serde_json::Result<T>,
) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = read(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// The error for an index beyond the types of a family.
pub fn no_type_at(index: usize) -> serde_json::Error {
    serde_json::Error::custom(format_args!("this family has no type at index {index}"))
}

/// Adds a tag that has a value.
pub fn push_tag(tags: &mut Vec<Tag>, key: &'static str, value: Option<String>) {
    if let Some(value) = value {
        tags.push(Tag::new(Name::from_static(key), value));
    }
}
