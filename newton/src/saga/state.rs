//! An instance's state from its stored form, through the upcasts where the code has changed since.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind, Result};
use crate::saga::Saga;
use crate::saga::instance::StoredState;

/// The state, or what a new instance begins with.
///
/// # Errors
/// [`ErrorKind::Incompatible`] where newer code wrote it, [`ErrorKind::Decode`] where it does not fit the present code.
pub(crate) fn read<S: Saga>(stored: &StoredState) -> Result<S> {
    if stored.version == 0 {
        return Ok(S::default());
    }
    if stored.version > S::VERSION {
        let message = format!(
            "the state of `{}` was stored with version {}, this program reads 1 to {}; run a program that knows it",
            S::NAME,
            stored.version,
            S::VERSION
        );
        return Err(Error::new(ErrorKind::Incompatible, READ, message));
    }
    let json = stored.json.as_str().as_bytes();
    let steps = S::UPCASTS.iter().filter(|upcast| upcast.from >= stored.version);
    steps
        .into_iter()
        .try_fold(Cow::Borrowed(json), |json, upcast| (upcast.step)(&json).map(Cow::Owned))
        .and_then(|json| S::decode_state(&json))
        .map_err(|error| {
            let message = format!(
                "the state of `{}`, stored with version {}, does not fit version {}; raise the version and add an \
                 upcast",
                S::NAME,
                stored.version,
                S::VERSION
            );
            Error::new(ErrorKind::Decode, READ, message).caused_by(error)
        })
}

const READ: &str = "read saga state";
