//! Names by convention.

use proc_macro2::{Ident, Span};
use syn::LitStr;
use syn::ext::IdentExt;

use super::errors::Errors;

/// The longest name of an event type, a command or a domain stream, in bytes.
const MAX_LEN: usize = 500;

/// A stable name, and the token that gave it.
pub(crate) struct StableName {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl StableName {
    /// The name given in an attribute, or else the one by convention.
    pub(crate) fn of(given: Option<LitStr>, by_convention: String, ident: &Ident) -> Self {
        match given {
            Some(given) => Self { text: given.value(), span: given.span() },
            None => Self { text: by_convention, span: ident.span() },
        }
    }

    /// Refuses what no store could keep or would mistake for a name of the system.
    pub(crate) fn check(&self, what: &str, errors: &mut Errors) {
        let Self { text, span } = self;
        if text.is_empty() {
            errors.at(*span, format_args!("the name of {what} is empty; give it at least one character"));
        } else if text.len() > MAX_LEN {
            errors.at(*span, format_args!("the name of {what} has more than {MAX_LEN} bytes; shorten it"));
        } else if text.chars().any(char::is_control) {
            errors.at(*span, format_args!("the name of {what} has a control character; remove it"));
        } else if text.starts_with('$') {
            errors.at(
                *span,
                format_args!("names with `$` belong to the system; begin the name of {what} otherwise"),
            );
        }
    }

    /// Also refuses what separates the parts of a stream's name.
    pub(crate) fn check_part(&self, what: &str, errors: &mut Errors) {
        self.check(what, errors);
        if self.text.contains('/') {
            errors.at(
                self.span,
                format_args!("`/` separates the parts of a stream's name; remove it from the name of {what}"),
            );
        }
    }
}

/// The text of an identifier, without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// A name without its last word: `AccountEvent` and `Event` give `Account`.
pub(crate) fn without_suffix(name: &str, suffix: &str) -> String {
    name.strip_suffix(suffix).unwrap_or(name).to_owned()
}

/// An identifier as words: `AlreadyOpen` and `already_open` both give `already open`.
pub(crate) fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for (index, letter) in name.chars().enumerate() {
        if letter == '_' {
            words.push(' ');
        } else {
            if letter.is_uppercase() && index > 0 {
                words.push(' ');
            }
            words.extend(letter.to_lowercase());
        }
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_become_words() {
        assert_eq!(words("AlreadyOpen"), "already open");
        assert_eq!(words("max_amount"), "max amount");
        assert_eq!(words("Overdrawn"), "overdrawn");
    }
}
