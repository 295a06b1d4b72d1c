//! Values of this process that are found by a name for as long as somebody uses them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use crate::sync::lock;

/// Values by their names, none of which it keeps alive.
pub(super) struct Named<T>(Mutex<BTreeMap<String, Weak<T>>>);

impl<T> Named<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<T: Default> Named<T> {
    /// The value of a name; a new one where nobody uses it.
    pub(super) fn of(&self, name: &str) -> Arc<T> {
        let mut all = lock(&self.0);
        if let Some(known) = all.get(name).and_then(Weak::upgrade) {
            return known;
        }
        all.retain(|_, value| value.strong_count() > 0);
        let value = Arc::default();
        all.insert(name.to_owned(), Arc::downgrade(&value));
        value
    }
}
