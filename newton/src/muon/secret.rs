//! How secrets are shown: that there is one, and nothing of it.

/// Stands for a secret in a `Debug`: `Some("..")`, or `None` where there is none.
pub(crate) fn hidden<T>(secret: Option<&T>) -> Option<&'static str> {
    secret.map(|_| "..")
}
