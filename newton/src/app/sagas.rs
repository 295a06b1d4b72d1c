//! What an app tells of its sagas.

use std::fmt::Display;

use crate::app::App;
use crate::saga::{Saga, SagaInstance, Sagas};

impl App {
    /// One instance of a saga: its state, its history, its end.
    pub fn saga<S: Saga>(&self, key: impl Display) -> SagaInstance<S> {
        SagaInstance::new(self.core.runtime.clone(), key.to_string())
    }

    /// All instances of a saga: those that run, are parked, were compensated, have ended; and the events that none took
    /// in.
    pub fn sagas<S: Saga>(&self) -> Sagas<S> {
        Sagas::new(self.core.runtime.clone(), self.core.reactions.of::<S>().ok().cloned())
    }
}
