//! What a handler of a projection in memory is given, and what readers are given of any projection.

use crate::domain::{Handler, RecordedEvent};
use crate::projection::Projection;

/// What a handler of a projection in memory is given besides the event.
#[derive(Debug)]
pub struct View<'a> {
    meta: &'a RecordedEvent,
}

impl<'a> View<'a> {
    pub(crate) fn new(meta: &'a RecordedEvent) -> Self {
        Self { meta }
    }

    /// The event as it was recorded: who, when, where.
    pub fn meta(&self) -> &RecordedEvent {
        self.meta
    }
}

/// The context of a projection's handlers, which says where its data is, and so how it is read. Not to be implemented.
pub trait Viewed<P: Projection>: sealed::Open<P> {}

impl<P: Projection, C: sealed::Open<P>> Viewed<P> for C {}

/// Access to the data of a projection: a [`MemoryView`](crate::projection::MemoryView), or an `SqliteView`.
pub type Access<P> = <<P as Handler>::Context<'static> as sealed::Open<P>>::Access;

pub(crate) mod sealed {
    //! What the app asks of a projection whose place it does not know.

    use std::sync::Arc;

    use crate::projection::Rebuildable;
    use crate::subscription::Reaction;

    #[allow(
        private_interfaces,
        unreachable_pub,
        reason = "it seals a public trait; nobody outside can name it"
    )]
    pub trait Open<P> {
        /// What a reader is given.
        type Access;

        /// Access to the data of the reaction, if it is this projection.
        fn open(reaction: &Arc<dyn Reaction>) -> Option<Self::Access>;

        /// The reaction, if it is this projection.
        fn rebuildable(reaction: &Arc<dyn Reaction>) -> Option<&dyn Rebuildable>;
    }
}
