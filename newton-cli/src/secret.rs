//! Arguments that may hold secrets, which are shown without them.

use std::fmt;
use std::str::FromStr;

use newton::muon::descriptor::url_without_secrets;
use serde_json::Value;

/// The URL of a broker or a store. It may hold a password, or a token among its options, and is shown without both.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// All of it, for the connection alone.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&url_without_secrets(&self.0))
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}

/// An argument of a stream, written as `NAME=TEXT` or `NAME:=JSON`. It may be a token; `Debug` shows its name alone.
#[derive(Clone, PartialEq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// What is given.
    pub value: Value,
}

impl FromStr for Argument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write NAME=TEXT or NAME:=JSON")?;
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => (name, serde_json::from_str(value).map_err(|error| format!("not JSON: {error}"))?),
            None => (name, Value::from(value)),
        };
        if name.is_empty() {
            return Err("the name is missing before `=`".to_owned());
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argument").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_url_is_shown_without_password_and_options() {
        let url = SecretUrl::from("muon+amqp://ada:secret@broker/events?token=secret".to_owned());
        assert_eq!(url.to_string(), "muon+amqp://broker/events");
        assert_eq!(format!("{url:?}"), "SecretUrl(muon+amqp://broker/events)");
        assert_eq!(SecretUrl::from("sqlite://events.db".to_owned()).to_string(), "sqlite://events.db");
    }

    #[test]
    fn arguments_are_texts_unless_they_are_said_to_be_json() {
        let value = |text: &str| text.parse::<Argument>().map(|argument| (argument.name, argument.value));
        assert_eq!(value("n=1"), Ok(("n".into(), json!("1"))));
        assert_eq!(value("n:=1"), Ok(("n".into(), json!(1))));
        assert_eq!(value("n=a=b"), Ok(("n".into(), json!("a=b"))));
        for bad in ["n", "=1", ":=1", "n:=x"] {
            assert!(value(bad).is_err(), "{bad}");
        }
    }
}
