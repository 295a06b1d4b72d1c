//! From the user's `setup` and `flush`, if there are any, to the trait's.

use crate::domain::HandlerError;
use crate::projection::{SqliteProjection, SqliteTables};

/// Calls the user's `setup`. The type is given, so that messages show it by name.
pub fn setup<P, M, F: Setup<P, M>>(setup: F, tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
    setup.call(tx)
}

/// A function that has the shape of `setup`. `M` is there so that a misfit is reported by this trait's message.
#[diagnostic::on_unimplemented(
    message = "`setup` of `{P}` has another shape than expected",
    label = "write `fn setup(tx: &mut SqliteTables) -> Result<()>`"
)]
pub trait Setup<P, M> {
    /// Calls it.
    ///
    /// # Errors
    /// The user's.
    fn call(self, tx: &mut SqliteTables<'_>) -> Result<(), HandlerError>;
}

/// Marks a shape that does not exist.
#[derive(Debug)]
pub enum Never {}

/// Holds for no type.
pub trait Impossible {}

impl<P, F, E> Setup<P, fn(E)> for F
where
    F: FnOnce(&mut SqliteTables<'_>) -> Result<(), E>,
    E: Into<HandlerError>,
{
    fn call(self, tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        self(tx).map_err(Into::into)
    }
}

impl<P, F: Impossible> Setup<P, Never> for F {
    fn call(self, _: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// Found where a projection has no inherent `setup`: it has nothing to set up.
pub trait NoSetup {
    /// Does nothing.
    fn setup(_: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl<P: SqliteProjection> NoSetup for P {}

/// Found where a projection has no inherent `flush`: it holds nothing back.
pub trait NoFlush {
    /// Does nothing.
    fn flush(&mut self, _: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl<P: SqliteProjection> NoFlush for P {}
