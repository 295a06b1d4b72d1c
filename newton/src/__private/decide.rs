//! From the user's `decide`, with or without a context, to a decision.

use crate::domain::{Aggregate, Context, Decision, Event};

/// Calls the user's `decide`. The types are given one by one, so that messages show them by name.
pub fn decide<A, C, E, R, M, F>(
    decide: F,
    aggregate: &A,
    command: C,
    context: &Context<'_>,
) -> Result<Decision<E>, R>
where
    F: Decide<A, C, E, R, M>,
    F::Outcome: Outcome<E, R>,
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

/// What `decide` may return.
#[diagnostic::on_unimplemented(
    message = "`decide` cannot return `{Self}`",
    label = "`decide` must return `Result<{E}, {R}>`",
    note = "in the place of `{E}` may stand `Vec<{E}>`, `[{E}; N]`, `Option<{E}>` or `()`; \
            other types are named with `#[aggregate(event = .., rejection = ..)]`"
)]
pub trait Outcome<E, R> {
    /// The same as a decision.
    fn into_decision(self) -> Result<Decision<E>, R>;
}

impl<T: Event, E> Outcome<T, E> for Result<T, E> {
    fn into_decision(self) -> Result<Decision<T>, E> {
        self.map(Decision::One)
    }
}

impl<E: Event, R> Outcome<E, R> for Result<(), R> {
    fn into_decision(self) -> Result<Decision<E>, R> {
        self.map(|()| Decision::None)
    }
}

impl<E, R> Outcome<E, R> for Result<Decision<E>, R> {
    fn into_decision(self) -> Self {
        self
    }
}

impl<E, R> Outcome<E, R> for Result<Option<E>, R> {
    fn into_decision(self) -> Result<Decision<E>, R> {
        self.map(Decision::from)
    }
}

impl<E, R> Outcome<E, R> for Result<Vec<E>, R> {
    fn into_decision(self) -> Result<Decision<E>, R> {
        self.map(Decision::from)
    }
}

impl<E, R, const N: usize> Outcome<E, R> for Result<[E; N], R> {
    fn into_decision(self) -> Result<Decision<E>, R> {
        self.map(Decision::from)
    }
}

/// Found where an aggregate has no inherent `decide`: the bound of its function then says what to write.
pub trait MissingDecide: Aggregate {
    /// Never called: no type fulfils the bound.
    fn decide(&self, command: Self::Command) -> Result<Self::Event, Self::Rejection>
    where
        Self: HasDecide<Self::Command, Self::Event, Self::Rejection>;
}

/// Holds for no type; it carries the message.
#[diagnostic::on_unimplemented(
    message = "the aggregate `{Self}` has no `decide`",
    label = "add `fn decide(&self, command: {C}) -> Result<{E}, {R}>` to an `impl {Self}`"
)]
pub trait HasDecide<C, E, R> {
    /// Never called.
    fn decide(&self, command: C) -> Result<E, R>;
}

impl<A: Aggregate> MissingDecide for A {
    fn decide(&self, command: A::Command) -> Result<A::Event, A::Rejection>
    where
        A: HasDecide<A::Command, A::Event, A::Rejection>,
    {
        HasDecide::decide(self, command)
    }
}
