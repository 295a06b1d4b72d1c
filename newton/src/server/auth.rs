//! Who may use a published store: whoever knows one of its tokens, or anyone where it has none.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

/// The tokens that clients of a published store are asked for. Without any, everybody is let in.
#[derive(Clone, Default)]
pub struct Tokens(Arc<[String]>);

impl Tokens {
    /// Tokens from a text with one on each line; blank lines and lines that start with `#` are left out.
    ///
    /// ```
    /// use newton::server::Tokens;
    ///
    /// let tokens = Tokens::parse("# the shop\n7f9c-shop\n\n# the ledger\n02aa-ledger\n")?;
    /// assert!(tokens.admit("emit", Some("02aa-ledger")).is_ok());
    /// assert!(tokens.admit("emit", None).is_err());
    /// # Ok::<(), newton::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where the text has no token: a store that was to be closed would be open.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let tokens: Arc<[String]> = lines.map(str::to_owned).collect();
        if tokens.is_empty() {
            let message = "there is no token; write one on a line of its own";
            return Err(Error::new(ErrorKind::Configuration, "read tokens", message));
        }
        Ok(Self(tokens))
    }

    /// Lets a caller in, or says why not.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`].
    pub fn admit(&self, operation: &'static str, token: Option<&str>) -> Result<()> {
        let refuse = |message| Err(Error::new(ErrorKind::Forbidden, operation, message));
        match token {
            _ if self.0.is_empty() => Ok(()),
            None => refuse("this store asks for a token, and none was given; show one of its tokens"),
            Some(token) if self.0.iter().any(|known| is_same(known, token)) => Ok(()),
            Some(_) => refuse("this store does not know the token; ask whoever runs it for one"),
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

/// Compares in a time that does not tell how much of a token was right.
fn is_same(known: &str, given: &str) -> bool {
    let difference = known.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    known.len() == given.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_tokens_open_the_door() {
        let tokens = Tokens::parse("one\n two \n").unwrap();
        for (token, is_let_in) in [("one", true), ("two", true), ("on", false), ("onee", false), ("", false)]
        {
            assert_eq!(tokens.admit("emit", Some(token)).is_ok(), is_let_in, "{token}");
        }
        assert!(Tokens::default().admit("emit", None).is_ok());
        assert!(Tokens::parse("# nothing\n\n").is_err());
        assert_eq!(format!("{tokens:?}"), "Tokens(2)");
    }
}
