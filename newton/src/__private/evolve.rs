//! From the user's `evolve` to the trait's `apply`.

use std::marker::PhantomData;

use crate::domain::Aggregate;

/// Calls the user's `evolve`. The types are given one by one, so that messages show them by name.
pub fn evolve<A, E, M, F>(evolve: F, aggregate: &mut A, event: &E)
where
    F: Evolve<A, E, M>,
    F::Output: Folded<E>,
{
    evolve.call(aggregate, event);
}

/// A function that has the shape of `evolve`. `M` is there so that a misfit is reported by this trait's message.
#[diagnostic::on_unimplemented(
    message = "`evolve` of `{A}` has another shape than expected",
    label = "write `fn evolve(&mut self, event: &{E})`",
    note = "other events are named with `#[aggregate(event = ..)]`"
)]
pub trait Evolve<A, E, M> {
    /// What it returns.
    type Output;

    /// Calls it.
    fn call(self, aggregate: &mut A, event: &E) -> Self::Output;
}

/// Marks a shape that does not exist.
#[derive(Debug)]
pub enum Never {}

/// Holds for no type.
pub trait Impossible {}

impl<A, E, F: FnOnce(&mut A, &E) -> D, D> Evolve<A, E, fn() -> D> for F {
    type Output = D;

    fn call(self, aggregate: &mut A, event: &E) -> D {
        self(aggregate, event)
    }
}

impl<A, E, F: Impossible> Evolve<A, E, Never> for F {
    type Output = ();

    fn call(self, _: &mut A, _: &E) {}
}

/// What `evolve` may return: nothing.
#[diagnostic::on_unimplemented(
    message = "`evolve` cannot return `{Self}`",
    label = "write `fn evolve(&mut self, event: &{E})`, without a result",
    note = "an event has happened: a fold cannot refuse it"
)]
pub trait Folded<E> {}

impl<E> Folded<E> for () {}

/// Found where an aggregate has no inherent `evolve`: what it returns is refused unless [`HasEvolve`] holds.
pub trait MissingEvolve: Aggregate {
    /// Never called: [`HasEvolve`] holds for no type.
    fn evolve(&mut self, event: &Self::Event) -> Missing<Self>;
}

/// What a missing `evolve` returns.
#[derive(Debug)]
pub struct Missing<A>(PhantomData<A>);

/// Holds for no type; it carries the message.
#[diagnostic::on_unimplemented(
    message = "the aggregate `{Self}` has no `evolve`",
    label = "add `fn evolve(&mut self, event: &{E})` to an `impl {Self}`"
)]
pub trait HasEvolve<E> {}

impl<A: Aggregate> MissingEvolve for A {
    fn evolve(&mut self, _: &A::Event) -> Missing<A> {
        Missing(PhantomData)
    }
}

impl<A: HasEvolve<E>, E> Folded<E> for Missing<A> {}
