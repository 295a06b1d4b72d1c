//! Names of streams and ids of aggregates.

use std::fmt::{self, Write};
use std::sync::Arc;

use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};

/// The name of an event stream, such as `bank/Account/acc-1`, or of a domain stream, such as `bank/Account`.
///
/// The part up to the last `/` is the domain stream. Names that start with `$` belong to the system. Cloning is
/// cheap.
///
/// ```
/// use newton::StreamName;
///
/// let stream = StreamName::parse("bank/Account/acc-1")?;
/// assert_eq!(stream.domain(), Some("bank/Account"));
/// assert_eq!(stream.id(), "acc-1");
/// # Ok::<(), newton::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 1_024;

    /// The view of every event of every stream; nothing can be appended to it.
    pub const ALL: &'static str = "__all__";

    /// A name from text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it is empty, longer than [`MAX_LEN`](Self::MAX_LEN) bytes, has a control
    /// character, or is [`ALL`](Self::ALL).
    pub fn parse(name: impl Into<Arc<str>>) -> Result<Self> {
        let name = name.into();
        check("stream name", &name, Self::MAX_LEN)?;
        if &*name == Self::ALL {
            let message = "`__all__` is the view of every stream; name a stream of its own";
            return Err(Error::new(ErrorKind::InvalidInput, "parse stream name", message));
        }
        Ok(Self(name))
    }

    /// The stream of one aggregate: `{domain}/{id}`, where `domain` is `{context}/{Aggregate}`.
    pub fn of_aggregate(domain: &str, id: &AggregateId) -> Self {
        Self([domain, "/", id.as_str()].concat().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain stream this stream belongs to: the name up to the last `/`.
    pub fn domain(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(domain, _)| domain)
    }

    /// The name behind the last `/`: for an aggregate's stream, the aggregate's id.
    pub fn id(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, id)| id)
    }

    /// Whether the stream belongs to the system and is hidden unless asked for.
    pub fn is_system(&self) -> bool {
        self.0.starts_with('$')
    }
}

/// The id of an aggregate: the last part of its stream's name. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AggregateId(Arc<str>);

impl AggregateId {
    /// The longest id, in bytes.
    pub const MAX_LEN: usize = 512;

    /// An id from text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it is empty, longer than [`MAX_LEN`](Self::MAX_LEN) bytes, has a control
    /// character or a `/`.
    pub fn parse(id: impl Into<Arc<str>>) -> Result<Self> {
        let id = id.into();
        check("aggregate id", &id, Self::MAX_LEN)?;
        if id.contains('/') {
            let message = "an aggregate id cannot contain `/`, which separates the parts of a stream's name; use `-` or `:`";
            return Err(Error::new(ErrorKind::InvalidInput, "parse aggregate id", message).with("id", &id));
        }
        Ok(Self(id))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The longest text that [`encode_id`] keeps whole, in encoded bytes.
const MAX_ENCODED: usize = 256;
/// How much of a longer text stays readable.
const READABLE: usize = 96;

/// An id that stands for any text, such as the value of a tag. Different texts give different ids.
///
/// What an id cannot hold is written as `%` and two hex digits a byte. A text too long for an id ends in a hash: whoever
/// must be sure keeps the text itself beside it and compares.
pub(crate) fn encode_id(text: &str) -> AggregateId {
    if text.is_empty() {
        // A `%` that no digits follow comes of no other text.
        return AggregateId("%".into());
    }
    let mut encoded = String::with_capacity(text.len());
    let mut readable = 0;
    for c in text.chars() {
        push_escaped(&mut encoded, c);
        if encoded.len() <= READABLE {
            readable = encoded.len();
        }
    }
    if encoded.len() > MAX_ENCODED {
        // Two hashes over different beginnings: who could make one collide cannot make both.
        let hash = |namespace| Uuid::new_v5(namespace, text.as_bytes()).simple();
        let (first, second) = (hash(&Uuid::NAMESPACE_OID), hash(&Uuid::NAMESPACE_URL));
        encoded.truncate(readable);
        // Writing to a `String` cannot fail.
        let _ = write!(encoded, "%~{first}{second}");
    }
    AggregateId(encoded.into())
}

/// Adds a character as the last part of a stream's name can hold it: `%`, `/` and control characters as `%` and two hex
/// digits in upper case for each byte.
pub(crate) fn push_escaped(escaped: &mut String, c: char) {
    if c != '%' && c != '/' && !c.is_control() {
        return escaped.push(c);
    }
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a `String` cannot fail.
        let _ = write!(escaped, "%{byte:02X}");
    }
}

fn check(what: &'static str, text: &str, max_len: usize) -> Result<()> {
    let invalid = |message| Err(Error::new(ErrorKind::InvalidInput, "parse name", message));
    if text.is_empty() {
        return invalid(format!("the {what} is empty; give it at least one character"));
    }
    if text.len() > max_len {
        let start: String = text.chars().take(24).collect();
        return invalid(format!(
            "the {what} `{start}..` has {} bytes; at most {max_len} are allowed",
            text.len()
        ));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => invalid(format!("the {what} {text:?} has the control character {c:?}; remove it")),
        None => Ok(()),
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for AggregateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AggregateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_text_has_an_id_of_its_own() {
        let long = "x".repeat(5_000);
        let texts = [
            "", "%", "%25", "/", "%2F", "a/b", "a%2Fb", "\0", "\u{85}", "%C2%85", "%~", "order-7", "Größe",
            "$x",
        ];
        let longer = [long.clone(), format!("{long}y"), format!("{long}z"), "/".repeat(90), "ü".repeat(129)];
        let texts: Vec<&str> = texts.into_iter().chain(longer.iter().map(String::as_str)).collect();
        let ids: HashSet<AggregateId> = texts.iter().map(|text| encode_id(text)).collect();
        assert_eq!(ids.len(), texts.len());
        for id in ids {
            assert_eq!(AggregateId::parse(id.as_str()).unwrap(), id);
        }
        assert_eq!(encode_id("order-7").as_str(), "order-7");
        assert_eq!(encode_id("a/b").as_str(), "a%2Fb");
    }
}
