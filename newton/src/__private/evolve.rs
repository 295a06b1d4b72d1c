//! From the user's `evolve` to the trait's `apply`.

use crate::domain::Aggregate;

/// Calls the user's `evolve`. The types are given one by one, so that messages show them by name.
pub fn evolve<A, E, M, F: Evolve<A, E, M>>(evolve: F, aggregate: &mut A, event: &E) {
    evolve.call(aggregate, event);
}

/// A function that has the shape of `evolve`. `M` is there so that a misfit is reported by this trait's message.
#[diagnostic::on_unimplemented(
    message = "`evolve` of `{A}` has another shape than expected",
    label = "write `fn evolve(&mut self, event: &{E})`",
    note = "other events are named with `#[aggregate(event = ..)]`"
)]
pub trait Evolve<A, E, M> {
    /// Calls it.
    fn call(self, aggregate: &mut A, event: &E);
}

/// Marks the one shape there is.
#[derive(Debug)]
pub enum ByReference {}

/// Marks a shape that does not exist.
#[derive(Debug)]
pub enum Never {}

/// Holds for no type.
pub trait Impossible {}

impl<A, E, F: FnOnce(&mut A, &E)> Evolve<A, E, ByReference> for F {
    fn call(self, aggregate: &mut A, event: &E) {
        self(aggregate, event);
    }
}

impl<A, E, F: Impossible> Evolve<A, E, Never> for F {
    fn call(self, _: &mut A, _: &E) {}
}

/// Found where an aggregate has no inherent `evolve`: the bound of its function then says what to write.
pub trait MissingEvolve: Aggregate {
    /// Never called: no type fulfils the bound.
    fn evolve(&mut self, event: &Self::Event)
    where
        Self: HasEvolve<Self::Event>;
}

/// Holds for no type; it carries the message.
#[diagnostic::on_unimplemented(
    message = "the aggregate `{Self}` has no `evolve`",
    label = "add `fn evolve(&mut self, event: &{E})` to an `impl {Self}`"
)]
pub trait HasEvolve<E> {
    /// Never called.
    fn evolve(&mut self, event: &E);
}

impl<A: Aggregate> MissingEvolve for A {
    fn evolve(&mut self, event: &A::Event)
    where
        A: HasEvolve<A::Event>,
    {
        HasEvolve::evolve(self, event);
    }
}
