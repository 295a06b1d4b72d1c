//! What a saga and its parts are called in the stores.

use crate::domain::stream_name::encode_id;
use crate::domain::{AggregateId, Name, StreamName};
use crate::error::Result;
use crate::saga::Saga;
use crate::store::StateKey;

/// The space of all that is kept of sagas in the state store besides their places.
pub(crate) const SPACE: Name = Name::from_static("saga");

/// The names of one saga type.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// `{context}.{Name}`.
    pub(crate) saga: Name,
    /// The domain stream of its instances: `$saga/{context}.{Name}`.
    pub(crate) domain: StreamName,
}

impl Names {
    pub(crate) fn of<S: Saga>() -> Result<Self> {
        let saga = Name::from(format!("{}.{}", S::CONTEXT, S::NAME));
        let domain = StreamName::parse(format!("$saga/{saga}"))?;
        Ok(Self { saga, domain })
    }

    /// The id of the instance with a key.
    pub(crate) fn id(key: &str) -> AggregateId {
        encode_id(key)
    }

    /// The id of the instance with a stream.
    pub(crate) fn id_of(stream: &StreamName) -> Result<AggregateId> {
        AggregateId::parse(stream.id())
    }

    /// The stream of an instance.
    pub(crate) fn stream(&self, id: &AggregateId) -> StreamName {
        StreamName::of_aggregate(self.domain.as_str(), id)
    }

    /// The key of a record of a kind.
    pub(crate) fn row(&self, kind: &str, rest: &str) -> StateKey {
        StateKey::new(SPACE, self.prefix(kind) + rest)
    }

    /// What the keys of a kind of records start with.
    pub(crate) fn prefix(&self, kind: &str) -> String {
        format!("{}/{kind}/", self.saga)
    }
}
