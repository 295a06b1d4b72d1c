//! Rejections: an aggregate's own "no".

use std::any::Any;
use std::error::Error;
use std::fmt;

/// A user's own error type with which an aggregate refuses a command.
///
/// Every `std::error::Error` is one: derive `Rejection`, or use `thiserror::Error`.
pub trait Rejection: Error + Send + Sync + 'static {}

impl<E: Error + Send + Sync + 'static> Rejection for E {}

/// A rejection whose type is known to the caller only, where one call reaches several kinds of aggregates.
pub struct AnyRejection(Box<dyn Inner>);

trait Inner: Error + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<R: Rejection> Inner for R {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl AnyRejection {
    /// Forgets the type of a rejection.
    pub fn new(rejection: impl Rejection) -> Self {
        Self(Box::new(rejection))
    }

    /// The rejection, if it is an `R`.
    pub fn downcast_ref<R: Rejection>(&self) -> Option<&R> {
        (*self.0).as_any().downcast_ref()
    }

    /// The rejection as an `R`.
    ///
    /// # Errors
    /// Gives the rejection back where it is of another type.
    pub fn downcast<R: Rejection>(self) -> Result<R, Self> {
        if self.downcast_ref::<R>().is_none() {
            return Err(self);
        }
        self.0.into_any().downcast().map(|rejection| *rejection).map_err(|_| unreachable!("checked above"))
    }
}

impl fmt::Display for AnyRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for AnyRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for AnyRejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
