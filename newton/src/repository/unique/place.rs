//! Where the reservations of a value stand.
//!
//! The stream is `$unique/{context}/{Aggregate}/{field}/{value}`. A value is written so that it can be read: only `%`, `/`
//! and control characters are escaped, as `%` and two hex digits for each byte. Long values are hashed; should two of
//! them ever share a stream, the value in each reservation tells them apart.

use uuid::Uuid;

use crate::domain::StreamName;
use crate::domain::stream_name::push_escaped;
use crate::error::{Error, ErrorKind, Result};

/// The longest escaped value that stands in a name as it is, in bytes.
const LONGEST: usize = 200;

/// How the names of all these streams begin.
const PREFIX: &str = "$unique/";

/// The stream in which a value of a field is reserved.
pub(super) fn of(domain: &str, field: &str, value: &str) -> Result<StreamName> {
    StreamName::parse(format!("{PREFIX}{domain}/{field}/{}", escape(value)))
}

/// Whether a stream holds the reservations of a value.
pub(crate) fn is_reservation(stream: &StreamName) -> bool {
    stream.as_str().starts_with(PREFIX)
}

/// Checks that the names of an aggregate and its field leave room for values.
pub(super) fn check(domain: &str, field: &str) -> Result<()> {
    of(domain, field, &"x".repeat(LONGEST)).map(drop).map_err(|error| {
        let message = format!("the names of `{domain}` and its unique field `{field}` are too long together");
        Error::new(ErrorKind::Configuration, "start", message).caused_by(error)
    })
}

fn escape(value: &str) -> String {
    // Behind an escape stand two hex digits in upper case: these two forms are none.
    if value.is_empty() {
        return "%empty".to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        push_escaped(&mut escaped, letter);
        if escaped.len() > LONGEST {
            return format!("%long-{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, value.as_bytes()).simple());
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_values_stay_readable() {
        let stream = of("shop/User", "email", "ada+1@example.org").unwrap();
        assert_eq!(stream.as_str(), "$unique/shop/User/email/ada+1@example.org");
        assert!(stream.is_system());
        assert_eq!(escape("Zoë 👍 ~$ 7"), "Zoë 👍 ~$ 7");
    }

    #[test]
    fn every_value_has_a_name_of_its_own() {
        let long = "x".repeat(LONGEST);
        let values = [
            "", "%empty", "%", "%25", "%long-", "a/b", "a%2Fb", "a%2fb", "/", "\0", "\u{7f}", "\u{85}", "\n",
            "%0A", " ", "a", "A", "ä", "a\u{308}", "__all__", "$", "..", &long,
        ];
        let longer = [format!("{long}x"), format!("{long}y"), "/".repeat(LONGEST), "ä/".repeat(100_000)];
        let names: Vec<_> = values
            .iter()
            .map(ToString::to_string)
            .chain(longer)
            .map(|value| of("shop/User", "email", &value).unwrap())
            .collect();
        for (index, name) in names.iter().enumerate() {
            assert_eq!(name.domain(), Some("$unique/shop/User/email"));
            assert!(!names[..index].contains(name), "{name}");
        }
    }

    #[test]
    fn names_without_room_for_values_are_refused() {
        check("shop/User", "email").unwrap();
        let error = check(&format!("shop/{}", "U".repeat(490)), &"e".repeat(490)).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Configuration);
    }
}
