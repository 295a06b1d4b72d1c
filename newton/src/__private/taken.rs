//! From what stands in `#[unique(..)]` to the rejection of a value that is taken.

/// The rejection of a value. The type is given, so that messages show it by name.
pub fn taken<R, M>(taken: impl Taken<R, M>, value: String) -> R {
    taken.rejection(value)
}

/// The same for a closure, whose argument is known to be a text by this signature alone.
pub fn taken_by<R>(taken: impl FnOnce(String) -> R, value: String) -> R {
    taken(value)
}

/// A rejection, or a function from the value to one. `M` tells the two apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not how this aggregate says no",
    label = "write a `{R}`, or a function from the value that is taken, a `String`, to one",
    note = "another type is named with `#[aggregate(rejection = ..)]`"
)]
pub trait Taken<R, M> {
    /// The rejection of a value.
    fn rejection(self, value: String) -> R;
}

/// Marks a rejection that is the same for every value.
#[derive(Debug)]
pub enum Same {}

/// Marks a rejection that tells the value.
#[derive(Debug)]
pub enum OfValue {}

impl<R> Taken<R, Same> for R {
    fn rejection(self, _: String) -> R {
        self
    }
}

impl<R, F: FnOnce(String) -> R> Taken<R, OfValue> for F {
    fn rejection(self, value: String) -> R {
        self(value)
    }
}
