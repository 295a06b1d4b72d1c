//! Fields in the text of a rejection: by `Display`, or by `Debug` where there is no `Display`.
//!
//! Method lookup tries `&Show<T>` before `&&Show<T>`, so the first trait that applies wins.

use std::fmt::{Debug, Display, Formatter, Result};

/// A field to show.
#[derive(Debug)]
pub struct Show<'a, T>(pub &'a T);

/// For fields that have `Display`.
pub trait ShowByDisplay {
    /// Writes the field.
    fn show(&self, f: &mut Formatter<'_>) -> Result;
}

/// For fields that have `Debug` alone.
pub trait ShowByDebug {
    /// Writes the field.
    fn show(&self, f: &mut Formatter<'_>) -> Result;
}

impl<T: Display> ShowByDisplay for Show<'_, T> {
    fn show(&self, f: &mut Formatter<'_>) -> Result {
        Display::fmt(self.0, f)
    }
}

impl<T: Debug> ShowByDebug for &Show<'_, T> {
    fn show(&self, f: &mut Formatter<'_>) -> Result {
        Debug::fmt(self.0, f)
    }
}
