//! Values that no two aggregates of a kind may have.

use std::fmt;

use crate::domain::Aggregate;

/// A field of an aggregate whose value no other aggregate of its kind may have; `#[unique(..)]` on the field makes it.
///
/// An aggregate without events has no values. From its first event on it has those of its state.
pub struct Unique<A: Aggregate> {
    /// The stable name of the field, under which its values are reserved.
    pub name: &'static str,
    /// The value as text; `None` where there is none, which any number of aggregates may have.
    pub value: fn(&A) -> Option<String>,
    /// What an aggregate says where another one has the value.
    pub taken: fn(String) -> A::Rejection,
}

impl<A: Aggregate> fmt::Debug for Unique<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unique({} of {})", self.name, A::DOMAIN)
    }
}
