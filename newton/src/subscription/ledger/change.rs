//! Changing how a reaction is cut, or where it stands, while nobody works on it.

use crate::domain::OrderId;
use crate::error::{ErrorKind, Result};
use crate::store::{Expect, StateWrite};
use crate::subscription::segment::{Places, Segment};
use crate::subscription::{Lease, Ledger};

use super::record::{Layout, delete, put};

impl Ledger {
    /// Asks for another number of segments; whoever works on the reaction makes the change.
    pub(crate) async fn ask_for_segments(&self, segments: u32) -> Result<()> {
        let wanted = segments.clamp(1, Segment::MOST);
        self.ask(|layout| Layout { wanted: (wanted != layout.segments).then_some(wanted), ..layout }).await
    }

    /// Asks to go back to `from`, inclusive; whoever works on the reaction makes the change.
    pub(crate) async fn ask_for_replay(&self, from: OrderId) -> Result<()> {
        let after = from.0.saturating_sub(1);
        self.ask(|layout| Layout { replay_after: Some(after), ..layout }).await
    }

    async fn ask(&self, change: impl Fn(Layout) -> Layout) -> Result<()> {
        loop {
            let (layout, record) = self.layout_record().await?;
            let changed = put(self.layout_key(), Expect::Revision(record.revision), &change(layout))?;
            match self.runtime.state.write(vec![changed]).await {
                Err(error) if matches!(error.kind(), ErrorKind::StateConflict { .. }) => {}
                outcome => return outcome.map(drop),
            }
        }
    }

    /// Makes the change that was asked for, if there is one. To be called by whoever holds the lease for changes and
    /// the leases of all segments.
    pub(crate) async fn change(&self, lease: &Lease) -> Result<()> {
        let (layout, record) = self.layout_record().await?;
        if layout.is_settled() {
            return Ok(());
        }
        let mut old = Vec::new();
        for segment in Segment::all(layout.segments) {
            old.push(self.places(segment).await?);
        }
        let segments = layout.wanted.unwrap_or(layout.segments);
        let after = layout.replay_after.map(OrderId);
        let layout_then = Layout { segments, wanted: None, replay_after: None };
        let mut batch = vec![put(self.layout_key(), Expect::Revision(record.revision), &layout_then)?];
        for (segment, places) in Places::cut(old, segments) {
            let places = after.map_or_else(|| places.clone(), |after| places.set_to(after));
            batch.push(self.put_places(segment, &places)?);
        }
        let gone = Segment::all(layout.segments).filter(|segment| segment.index() >= segments);
        let gone = gone.map(|segment| delete(self.place_key(segment), Expect::Any));
        batch.extend(gone.collect::<Vec<StateWrite>>());
        lease.write(batch).await
    }
}
