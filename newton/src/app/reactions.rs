//! The projections, sagas and event handlers of an app, and the tasks they run in.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::registry::Registry;
use crate::subscription::{Assembly, Reaction, Stopper};

/// The reactions of an app. Dropping it ends their tasks.
pub(super) struct Reactions {
    by_type: HashMap<TypeId, Arc<dyn Reaction>>,
    stopper: Stopper,
}

impl Reactions {
    /// Puts all reactions of a registry together and runs them.
    pub(super) async fn start(registry: &Registry, assembly: &Assembly) -> Result<Self> {
        let assemble =
            |entry: &crate::registry::ReactionEntry| Ok((entry.type_id, entry.assemble(assembly)?));
        let by_type = registry.reactions().iter().map(assemble).collect::<Result<HashMap<_, _>>>()?;
        for reaction in by_type.values() {
            reaction.register().await?;
        }
        let stopper = Stopper::new();
        for reaction in by_type.values() {
            let (reaction, stop) = (reaction.clone(), stopper.signal());
            tokio::spawn(async move { reaction.run(stop).await });
        }
        Ok(Self { by_type, stopper })
    }

    /// The reaction of a type.
    pub(super) fn of<T: 'static>(&self) -> Option<&Arc<dyn Reaction>> {
        self.by_type.get(&TypeId::of::<T>())
    }
}

impl Drop for Reactions {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

impl fmt::Debug for Reactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.by_type.values().map(|reaction| reaction.monitor().name());
        f.debug_set().entries(names).finish()
    }
}
