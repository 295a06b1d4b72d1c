//! A snapshot as a state record: JSON of its version, the fingerprint of the fold, and the state.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::{Aggregate, Version};
use crate::repository::fold::Fold;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    version: u64,
    fingerprint: u64,
    #[serde(borrow)]
    state: &'a RawValue,
}

pub(super) fn encode<A: Aggregate>(fold: &Fold<A>, fingerprint: u64) -> serde_json::Result<Bytes> {
    let state = String::from_utf8(fold.state.encode_state()?).map_err(serde::ser::Error::custom)?;
    let state = RawValue::from_string(state)?;
    serde_json::to_vec(&Record { version: fold.version.0, fingerprint, state: &state }).map(Bytes::from)
}

/// The state in a record; `None` where it belongs to another fold or cannot be read, which only costs time.
pub(super) fn decode<A: Aggregate>(value: &[u8], fingerprint: u64) -> Option<Fold<A>> {
    let record: Record<'_> = serde_json::from_slice(value).ok()?;
    let state =
        (record.fingerprint == fingerprint).then(|| A::decode_state(record.state.get().as_bytes()))?.ok()?;
    let version = Version(record.version);
    Some(Fold { state, version, snapshot: version, ..Fold::default() })
}
