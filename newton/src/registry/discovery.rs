//! Finding what the derives announced, wherever it is linked in.

use crate::registry::{Register, Registry};

/// The announcement of one derived type; the derives submit it.
#[derive(Debug)]
pub struct Registration(fn(&mut Registry));

impl Registration {
    /// Announces a type.
    pub const fn of<T: Register>() -> Self {
        Self(T::register)
    }
}

inventory::collect!(Registration);

pub(super) fn all() -> Registry {
    let mut registry = Registry::empty();
    for Registration(register) in inventory::iter::<Registration> {
        register(&mut registry);
    }
    registry
}
