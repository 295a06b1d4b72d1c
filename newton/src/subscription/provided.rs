//! What handlers with fields are built from.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

/// Values by their type, given with `.provide(..)` and handed to the handlers that have a field of that type.
#[derive(Clone, Default)]
pub struct Provided(HashMap<TypeId, Value>);

#[derive(Clone)]
struct Value {
    type_name: &'static str,
    value: Arc<dyn Any + Send + Sync>,
}

impl Provided {
    /// Adds a value, in place of an earlier one of its type.
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        let value = Value { type_name: type_name::<T>(), value: Arc::new(value) };
        self.0.insert(TypeId::of::<T>(), value);
    }

    /// A clone of the value of a type, for the field `field` of `handler`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`], naming the field and what was provided, where there is none.
    pub fn take<T: Clone + Send + Sync + 'static>(&self, handler: &'static str, field: &str) -> Result<T> {
        let found = self.0.get(&TypeId::of::<T>()).and_then(|value| value.value.downcast_ref::<T>());
        found.cloned().ok_or_else(|| {
            let message = format!(
                "`{handler}` needs a `{}` for its field `{field}`; add `.provide(..)` with one to the builder",
                type_name::<T>()
            );
            Error::new(ErrorKind::Configuration, "build handler", message)
                .with("provided", self.type_names().join(", "))
        })
    }

    fn type_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.0.values().map(|value| value.type_name).collect();
        names.sort_unstable();
        names
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.type_names()).finish()
    }
}
