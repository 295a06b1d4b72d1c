//! Names of streams and ids of aggregates.

use std::fmt;
use std::sync::Arc;

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
