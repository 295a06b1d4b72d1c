//! Reading payloads of an older schema: one step a version, chained up to the present one.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// One step from a schema to the next, over encoded JSON.
#[derive(Clone, Copy, Debug)]
pub struct Upcast {
    /// The schema it reads; it writes the next.
    pub from: u32,
    /// The step.
    pub step: fn(&[u8]) -> serde_json::Result<Vec<u8>>,
}

/// Runs a typed step over encoded JSON; `Old` and `New` may be `serde_json::Value`.
///
/// # Errors
/// Where the payload is not an `Old`, or the result has no JSON form.
pub fn step<Old: DeserializeOwned, New: Serialize>(
    payload: &[u8],
    upcast: impl FnOnce(Old) -> New,
) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&upcast(serde_json::from_slice(payload)?))
}
