//! Which codec is spoken with whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Binary, Codec, Json};
use crate::muon::descriptor::Descriptor;

/// What is understood besides JSON, which every peer understands: [`Binary`] by default. The best comes first.
///
/// ```
/// use newton::muon::Descriptor;
/// use newton::muon::codec::Codecs;
///
/// let own = Codecs::default();
/// assert_eq!(own.content_types(), ["application/json", "application/x-newton"]);
/// let foreign = Descriptor::new("photon");
/// assert_eq!(own.understood_by(&[foreign]).content_types(), ["application/json"]);
/// ```
#[derive(Clone, Debug)]
pub struct Codecs(Arc<[Arc<dyn Codec>]>);

/// What is spoken on one channel: the best codec that the peer is known to understand.
#[derive(Debug)]
pub(in crate::muon) struct Spoken {
    codecs: Codecs,
    /// The codec that is spoken now; JSON where there is none at this index.
    now: AtomicUsize,
}

impl Codecs {
    /// JSON alone.
    pub fn json() -> Self {
        Self(Arc::new([]))
    }

    /// The same, and before them one that is preferred. It takes the place of one of the same content type.
    #[must_use]
    pub fn preferring(self, codec: impl Codec) -> Self {
        let name = codec.content_type();
        let others = self.0.iter().filter(|other| other.content_type() != name).cloned();
        Self([Arc::new(codec) as Arc<dyn Codec>].into_iter().chain(others).collect())
    }

    /// Their names, as a descriptor lists them: JSON first, because peers of other makes may take the first.
    pub fn content_types(&self) -> Vec<String> {
        let better = self.0.iter().map(|codec| codec.content_type());
        [Json.content_type()].into_iter().chain(better).map(str::to_owned).collect()
    }

    /// Those that all of these peers understand.
    #[must_use]
    pub fn understood_by(&self, peers: &[Descriptor]) -> Self {
        let is_understood = |codec: &&Arc<dyn Codec>| {
            peers.iter().all(|peer| peer.codecs.iter().any(|name| name == codec.content_type()))
        };
        Self(self.0.iter().filter(is_understood).cloned().collect())
    }
}

impl Default for Codecs {
    fn default() -> Self {
        Self::json().preferring(Binary)
    }
}

impl Spoken {
    /// With a peer that understands all of these.
    pub(in crate::muon) fn to_known(codecs: Codecs) -> Self {
        Self { codecs, now: AtomicUsize::new(0) }
    }

    /// With a peer that has to show first that it understands more than JSON, by speaking it.
    pub(in crate::muon) fn to_unknown(codecs: Codecs) -> Self {
        Self { now: AtomicUsize::new(codecs.0.len()), codecs }
    }

    /// What is spoken now; none where it is JSON.
    pub(in crate::muon) fn better(&self) -> Option<&dyn Codec> {
        self.codecs.0.get(self.now.load(Ordering::Relaxed)).map(AsRef::as_ref)
    }

    /// The codec of a content type that the peer has used, so that it can be answered in it; none where it is JSON or unknown.
    pub(in crate::muon) fn heard(&self, content_type: &str) -> Option<&dyn Codec> {
        let at = self.codecs.0.iter().position(|codec| codec.content_type() == content_type)?;
        self.now.fetch_min(at, Ordering::Relaxed);
        Some(self.codecs.0[at].as_ref())
    }
}
