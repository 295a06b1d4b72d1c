//! The fingerprint of an aggregate or a projection: what its stored data depends on, as one number.

use super::listened::Listened;
use crate::domain::{Aggregate, Event, EventType, Fingerprint};

/// Joins the hash of state fields and fold with the names and schemas of an aggregate's events, at compile time.
pub const fn fingerprint<A: Aggregate>(fold: Option<u64>) -> Fingerprint {
    match fold {
        Some(hash) => Fingerprint::Known(mix_types(hash, A::Event::TYPES)),
        None => Fingerprint::Unknown,
    }
}

/// Joins the hash of fields and handlers with the names and schemas of all events that are listened to.
pub const fn fingerprint_of_listener<F>(fold: Option<u64>, listened: &[Listened<F>]) -> Fingerprint {
    let Some(mut hash) = fold else {
        return Fingerprint::Unknown;
    };
    let mut index = 0;
    while index < listened.len() {
        hash = mix_types(hash, listened[index].types);
        index += 1;
    }
    Fingerprint::Known(hash)
}

const fn mix_types(mut hash: u64, types: &[EventType]) -> u64 {
    let mut index = 0;
    while index < types.len() {
        hash = mix(hash, types[index].name.as_bytes());
        hash = mix(hash, &types[index].schema.to_be_bytes());
        index += 1;
    }
    hash
}

/// FNV-1a, 64 bits, and a byte that no text contains as a separator.
const fn mix(mut hash: u64, bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(PRIME);
        index += 1;
    }
    (hash ^ 0xff).wrapping_mul(PRIME)
}
