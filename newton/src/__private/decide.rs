//! From the user's `decide`, with or without a context, to a decision.

use std::convert::Infallible;
use std::marker::PhantomData;

use crate::domain::{Aggregate, Context, Decision};

/// Calls the user's `decide`. The types are given one by one, so that messages show them by name.
pub fn decide<A, C, E, R, M, N, F>(
    decide: F,
    aggregate: &A,
    command: C,
    context: &Context<'_>,
) -> Result<Decision<E>, R>
where
    F: Decide<A, C, E, R, M>,
    F::Outcome: Outcome<E, R, N>,
{
    decide.call(aggregate, command, context).into_decision()
}

/// A function that has the shape of `decide`. `M` tells the two shapes apart.
#[diagnostic::on_unimplemented(
    message = "`decide` of `{A}` has another shape than expected",
    label = "write `fn decide(&self, command: {C}) -> Result<{E}, {R}>`",
    note = "`decide` may take a third argument, `context: &newton::Context`"
)]
pub trait Decide<A, C, E, R, M> {
    /// What it returns.
    type Outcome;

    /// Calls it.
    fn call(self, aggregate: &A, command: C, context: &Context<'_>) -> Self::Outcome;
}

impl<A, C, E, R, F, D> Decide<A, C, E, R, fn(C) -> D> for F
where
    F: FnOnce(&A, C) -> D,
{
    type Outcome = D;

    fn call(self, aggregate: &A, command: C, _: &Context<'_>) -> D {
        self(aggregate, command)
    }
}

impl<A, C, E, R, F, D> Decide<A, C, E, R, fn(C, Context<'static>) -> D> for F
where
    F: FnOnce(&A, C, &Context<'_>) -> D,
{
    type Outcome = D;

    fn call(self, aggregate: &A, command: C, context: &Context<'_>) -> D {
        self(aggregate, command, context)
    }
}

/// What `decide` may return. `M` tells one event from none.
#[diagnostic::on_unimplemented(
    message = "`decide` cannot return `{Self}`",
    label = "`decide` must return `Result<{E}, {R}>`",
    note = "in the place of `{E}` may stand `Vec<{E}>`, `[{E}; N]`, `Option<{E}>` or `()`; \
            other types are named with `#[aggregate(event = .., rejection = ..)]`"
)]
pub trait Outcome<E, R, M> {
    /// The same as a decision.
    fn into_decision(self) -> Result<Decision<E>, R>;
}

/// Marks an outcome of one event.
#[derive(Debug)]
pub enum One {}

/// Marks every other outcome.
#[derive(Debug)]
pub enum Any {}

impl<T, E> Outcome<T, E, One> for Result<T, E> {
    fn into_decision(self) -> Result<Decision<T>, E> {
        self.map(Decision::One)
    }
}

impl<E, R> Outcome<E, R, Any> for Result<(), R> {
    fn into_decision(self) -> Result<Decision<E>, R> {
        self.map(|()| Decision::None)
    }
}

impl<E, R> Outcome<E, R, Any> for Result<Decision<E>, R> {
    fn into_decision(self) -> Self {
        self
    }
}

impl<E, R> Outcome<E, R, Any> for Result<Option<E>, R> {
    fn into_decision(self) -> Result<Decision<E>, R> {
        self.map(Decision::from)
    }
}

impl<E, R> Outcome<E, R, Any> for Result<Vec<E>, R> {
    fn into_decision(self) -> Result<Decision<E>, R> {
        self.map(Decision::from)
    }
}

impl<E, R, const N: usize> Outcome<E, R, Any> for Result<[E; N], R> {
    fn into_decision(self) -> Result<Decision<E>, R> {
        self.map(Decision::from)
    }
}

/// Found where an aggregate has no inherent `decide`: what it returns is an outcome only where [`HasDecide`] holds.
pub trait MissingDecide: Aggregate {
    /// Never called: [`HasDecide`] holds for no type.
    fn decide(&self, command: Self::Command) -> Missing<Self, Self::Command>;
}

/// What a missing `decide` returns. It has no values.
#[derive(Debug)]
pub struct Missing<A, C>(Infallible, PhantomData<(A, C)>);

/// Holds for no type; it carries the message.
#[diagnostic::on_unimplemented(
    message = "the aggregate `{Self}` has no `decide`",
    label = "add `fn decide(&self, command: {C}) -> Result<{E}, {R}>` to an `impl {Self}`"
)]
pub trait HasDecide<C, E, R> {}

impl<A: Aggregate> MissingDecide for A {
    fn decide(&self, _: A::Command) -> Missing<A, A::Command> {
        unreachable!("its result is refused at compile time")
    }
}

impl<A: HasDecide<C, E, R>, C, E, R> Outcome<E, R, Any> for Missing<A, C> {
    fn into_decision(self) -> Result<Decision<E>, R> {
        match self.0 {}
    }
}
