//! Segments: the keys of a reaction cut into ranges by their hash, so that several nodes share the work.
//!
//! - [`Segment`]: one of so many ranges; [`Places`]: how far each part of a range has come
//! - `share`: which segments a node works on, as nodes come and go and the cut changes

mod places;
mod share;
#[cfg(test)]
mod tests;

pub(crate) use places::Places;
pub(crate) use share::{Work, run};

use std::fmt;

use uuid::Uuid;

use crate::domain::Name;

/// One of the ranges into which the hashes of keys are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Segment {
    index: u32,
    of: u32,
}

impl Segment {
    /// The only segment of what is not cut.
    pub(crate) const WHOLE: Self = Self { index: 0, of: 1 };

    /// The most segments a reaction can be cut into.
    pub(crate) const MOST: u32 = 1_024;

    /// All segments where there are `of`; at least one.
    pub(crate) fn all(of: u32) -> impl Iterator<Item = Self> {
        let of = of.clamp(1, Self::MOST);
        (0..of).map(move |index| Self { index, of })
    }

    pub(crate) fn index(self) -> u32 {
        self.index
    }

    /// The lowest hash in it.
    pub(crate) fn start(self) -> u32 {
        let start = (u64::from(self.index) << 32).div_ceil(u64::from(self.of));
        u32::try_from(start).unwrap_or(u32::MAX)
    }

    /// Whether keys of this hash belong to it.
    pub(crate) fn contains(self, hash: u32) -> bool {
        (u64::from(hash) * u64::from(self.of)) >> 32 == u64::from(self.index)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// The longest key that is taken as it is, in bytes: with the name of a reaction it fits a record's key.
const LONGEST_KEY: usize = 1_500;

/// The key by which events keep their order and are parked. Of longer texts only the beginning and a hash are kept: should
/// two meet, they wait for each other, which costs nothing but time.
pub(crate) fn key(text: &str) -> Name {
    if text.len() <= LONGEST_KEY {
        return Name::from(text);
    }
    let start = &text[..text.floor_char_boundary(LONGEST_KEY - 64)];
    Name::from(format!("{start}#{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes())))
}

/// The hash of a key by which it belongs to a segment. It is stored with places, so it must never change: FNV-1a, and
/// the last step of `MurmurHash3`, whose high bits are even for keys that differ in their last letter only.
pub(crate) fn hash(key: &str) -> u32 {
    let fnv = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    u32::try_from(mixed >> 32).unwrap_or_default()
}
