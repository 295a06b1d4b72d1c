//! The descriptor of a service: what discovery knows about it.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A service that is running: its name, what it is tagged with, and where it can be reached.
///
/// ```
/// use newton::muon::Descriptor;
///
/// let text = r#"{"identifier": "shop", "tags": ["eventstore"], "codecs": ["application/json"],
///                "connectionUrls": ["amqp://guest:secret@broker/"], "unknown": 1}"#;
/// let descriptor: Descriptor = serde_json::from_str(text).unwrap();
/// assert!(descriptor.has_tags(["eventstore"]));
/// assert_eq!(descriptor.without_credentials().connection_urls, ["amqp://broker/"]);
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The service's name.
    pub identifier: String,
    /// This running instance of it; peers of other makes may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// What it is tagged with.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The content types it understands.
    #[serde(default)]
    pub codecs: Vec<String>,
    /// Where it can be reached, best first.
    #[serde(default)]
    pub connection_urls: Vec<String>,
    /// The protocols it offers beyond those that every peer knows.
    #[serde(default)]
    pub capabilities: Vec<String>,
}

impl Descriptor {
    /// A new instance of a service that speaks JSON and cannot be reached yet.
    pub fn new(identifier: impl Into<String>) -> Self {
        Self {
            identifier: identifier.into(),
            instance_id: Some(Uuid::new_v4().to_string()),
            tags: Vec::new(),
            codecs: vec!["application/json".to_owned()],
            connection_urls: Vec::new(),
            capabilities: Vec::new(),
        }
    }

    /// Whether it has all of these tags.
    pub fn has_tags<T: AsRef<str>>(&self, tags: impl IntoIterator<Item = T>) -> bool {
        tags.into_iter().all(|tag| self.tags.iter().any(|own| own == tag.as_ref()))
    }

    /// Whether it says that it offers a protocol beyond the common ones.
    pub fn offers(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|own| own == capability)
    }

    /// The same without user names and passwords in its URLs: the form that may be shown and announced.
    #[must_use]
    pub fn without_credentials(mut self) -> Self {
        for url in &mut self.connection_urls {
            *url = url_without_credentials(url);
        }
        self
    }

    /// Whether both are the same running instance; those without an instance id are told apart by their names.
    pub fn is_same_instance(&self, other: &Self) -> bool {
        self.identifier == other.identifier && self.instance_id == other.instance_id
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<_> = self.connection_urls.iter().map(|url| url_without_credentials(url)).collect();
        f.debug_struct("Descriptor")
            .field("identifier", &self.identifier)
            .field("instance_id", &self.instance_id)
            .field("tags", &self.tags)
            .field("codecs", &self.codecs)
            .field("connection_urls", &urls)
            .field("capabilities", &self.capabilities)
            .finish()
    }
}

/// A URL without its user name and password.
pub fn url_without_credentials(url: &str) -> String {
    let Some((scheme, authority, rest)) = parts(url) else { return url.to_owned() };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{rest}")
}

/// A URL as it may be shown: without credentials, and without its options, among which a token may be. Nothing but its scheme where an
/// `@` comes late, for that may be the end of a password with a `/`, `?` or `#` in it.
pub fn url_without_secrets(url: &str) -> String {
    match parts(url) {
        Some((scheme, authority, rest)) if !authority.is_empty() && rest.contains('@') => {
            format!("{scheme}://..")
        }
        _ => url_without_credentials(url.split('?').next().unwrap_or_default()),
    }
}

/// The scheme of a URL, who is asked, and all behind.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    Some((scheme, authority, rest))
}

/// The scheme of a URL; empty where it has none.
pub fn url_scheme(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let mut descriptor = Descriptor::new("bank");
        descriptor.connection_urls.push("amqp://ada:secret@broker/v".to_owned());
        let shown = format!("{descriptor:?}");
        assert!(shown.contains("amqp://broker/v") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_url_is_shown_without_secrets() {
        for (url, shown) in [
            ("amqp://ada:secret@broker/v?token=secret", "amqp://broker/v"),
            ("amqp://ada:secret?secret@broker/v", "amqp://.."),
            ("amqp://ada:secret/secret@broker/v", "amqp://.."),
            ("amqp://ada:secret#secret@broker/v", "amqp://.."),
            ("sqlite:///home/ada@work/events.db", "sqlite:///home/ada@work/events.db"),
            ("memory://", "memory://"),
        ] {
            assert_eq!(url_without_secrets(url), shown);
        }
    }
}
