//! How far each part of a range of hashes has come.

use serde::{Deserialize, Serialize};

use crate::domain::OrderId;
use crate::subscription::segment::Segment;

/// A map from hashes to positions, in pieces: usually one piece, and more behind a new split until they meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Places(Vec<Piece>);

/// From a hash on, up to the next piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    from: u32,
    /// Every event at or below was handled or parked.
    through: u64,
}

impl Places {
    /// A segment of which everything has come equally far.
    pub(crate) fn of(segment: Segment, through: OrderId) -> Self {
        Self(vec![Piece { from: segment.start(), through: through.0 }])
    }

    /// How far all of it has come.
    pub(crate) fn position(&self) -> OrderId {
        OrderId(self.0.iter().map(|piece| piece.through).min().unwrap_or_default())
    }

    /// Whether the event at `order_id`, of a key with this hash, was handled or parked.
    pub(crate) fn passed(&self, hash: u32, order_id: OrderId) -> bool {
        let piece = self.0.iter().rev().find(|piece| piece.from <= hash);
        piece.is_some_and(|piece| order_id.0 <= piece.through)
    }

    /// The same with every event up to `through` handled or parked.
    #[must_use]
    pub(crate) fn advanced(&self, through: OrderId) -> Self {
        let raised = self.0.iter().map(|piece| Piece { through: piece.through.max(through.0), ..*piece });
        Self::joined(raised)
    }

    /// The same with everything set to `through`, which may be further back.
    #[must_use]
    pub(crate) fn set_to(&self, through: OrderId) -> Self {
        Self::joined(self.0.iter().map(|piece| Piece { through: through.0, ..*piece }))
    }

    /// Cuts what several segments have reached, together all hashes, into other segments. Every hash keeps its position.
    pub(crate) fn cut(old: impl IntoIterator<Item = Self>, of: u32) -> Vec<(Segment, Self)> {
        let mut pieces: Vec<_> = old.into_iter().flat_map(|places| places.0).collect();
        pieces.sort_by_key(|piece| piece.from);
        Segment::all(of).map(|segment| (segment, Self::within(&pieces, segment))).collect()
    }

    fn within(pieces: &[Piece], segment: Segment) -> Self {
        let start = segment.start();
        let first = pieces.iter().rev().find(|piece| piece.from <= start);
        let through = first.map_or(0, |piece| piece.through);
        let later = pieces.iter().filter(|piece| piece.from > start && segment.contains(piece.from)).copied();
        Self::joined(std::iter::once(Piece { from: start, through }).chain(later))
    }

    /// Pieces in order, those that have come equally far taken as one.
    fn joined(pieces: impl Iterator<Item = Piece>) -> Self {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            if joined.last().is_none_or(|last| last.through != piece.through) {
                joined.push(piece);
            }
        }
        Self(joined)
    }
}
