//! The projections, sagas and event handlers of an app, and what can be asked of them.

use std::any::{TypeId, type_name};
use std::fmt;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::app::supervise::{Supervision, supervise};
use crate::domain::{Clock, Name};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::{ReactionEntry, Registry};
use crate::subscription::{Assembly, Reaction, Stop, Stopper};

/// The reactions of an app. Dropping it ends their tasks at once.
pub(super) struct Reactions {
    running: Vec<Running>,
    stopper: Stopper,
    cutter: Stopper,
}

/// A reaction with its task.
pub(super) struct Running {
    type_id: TypeId,
    pub(super) reaction: Arc<dyn Reaction>,
    ended: Stop,
}

impl Reactions {
    /// Puts all reactions of a registry together and runs them.
    pub(super) async fn start(registry: &Registry, assembly: &Assembly) -> Result<Self> {
        let put_together = |entry: &ReactionEntry| Ok((entry.type_id, entry.assemble(assembly)?));
        let reactions = registry.reactions().iter().map(put_together).collect::<Result<Vec<_>>>()?;
        for (_, reaction) in &reactions {
            reaction.register().await?;
        }
        Ok(Self::run(reactions, &assembly.runtime.clock))
    }

    /// Runs reactions; what failed is tried again by this clock.
    pub(super) fn run(reactions: Vec<(TypeId, Arc<dyn Reaction>)>, clock: &Arc<dyn Clock>) -> Self {
        let (stopper, cutter) = (Stopper::new(), Stopper::new());
        let spawn = |(type_id, reaction): (TypeId, Arc<dyn Reaction>)| {
            let ended = Stopper::new();
            let running = Running { type_id, reaction: reaction.clone(), ended: ended.signal() };
            let (clock, stop, cut) = (clock.clone(), stopper.signal(), cutter.signal());
            tokio::spawn(supervise(reaction, Supervision { clock, stop, cut, ended }));
            running
        };
        Self { running: reactions.into_iter().map(spawn).collect(), stopper, cutter }
    }

    /// All, in the order of the registry.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<dyn Reaction>> {
        self.running.iter().map(|running| &running.reaction)
    }

    /// The reaction of a type.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where this app does not run it.
    pub(super) fn of<T: 'static>(&self) -> Result<&Arc<dyn Reaction>> {
        self.running::<T>().map(|running| &running.reaction)
    }

    /// Has the reaction of a type try again now, where it waits after a failure.
    pub(super) fn resume<T: 'static>(&self) -> Result<()> {
        self.of::<T>().map(|reaction| reaction.monitor().resume())
    }

    /// Has all try again now that wait after a failure.
    #[cfg(feature = "testkit")]
    pub(super) fn resume_all(&self) {
        self.all().for_each(|reaction| reaction.monitor().resume());
    }

    /// Asks all to finish what is under way.
    pub(super) fn stop(&self) {
        self.stopper.stop();
    }

    /// Ends all at their next await.
    pub(super) fn cut(&self) {
        self.cutter.stop();
    }

    /// Waits until all have ended.
    pub(super) async fn ended(&self) {
        join_all(self.running.iter().map(|running| async { running.ended.clone().requested().await })).await;
    }

    /// Those that have not ended.
    pub(super) fn unfinished(&self) -> Vec<Name> {
        let unfinished = self.running.iter().filter(|running| !running.ended.is_requested());
        unfinished.map(|running| running.reaction.monitor().name().clone()).collect()
    }

    /// The reaction of a type, as what runs it.
    pub(super) fn typed<T: 'static, R: 'static>(&self) -> Result<&R> {
        self.of::<T>()?.as_any().downcast_ref().ok_or_else(not_run::<T>)
    }

    fn running<T: 'static>(&self) -> Result<&Running> {
        self.running.iter().find(|running| running.type_id == TypeId::of::<T>()).ok_or_else(not_run::<T>)
    }
}

pub(super) fn not_run<T>() -> Error {
    let message = format!(
        "this app runs no `{}`; derive it as a projection, a saga or an event handler, and add it to the registry",
        type_name::<T>()
    );
    Error::new(ErrorKind::Configuration, "find reaction", message)
}

impl fmt::Debug for Reactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all().map(|reaction| reaction.monitor().name())).finish()
    }
}
