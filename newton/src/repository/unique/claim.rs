//! What a command changes of its aggregate's unique values.

use crate::domain::{Aggregate, AggregateId, StreamName, Version};
use crate::error::Result;
use crate::repository::fold::{Fold, guarded};
use crate::repository::unique::place;

/// What is to become of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is no longer the holder's.
    GiveUp,
    /// It becomes the holder's.
    Take,
    /// It is the holder's already, though perhaps not reserved.
    Keep,
}

/// A value, and what is to become of it.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// Which of several commands claims it.
    pub(crate) part: usize,
    /// The place of the field among the unique ones.
    pub(crate) field: usize,
    pub(crate) value: String,
    pub(super) step: Step,
    pub(super) id: AggregateId,
    /// The stream of the aggregate.
    pub(super) holder: StreamName,
    /// The stream in which the value is reserved.
    pub(super) place: StreamName,
}

impl Claim {
    fn new<A: Aggregate>(id: &AggregateId, field: usize, value: String, step: Step) -> Result<Self> {
        let place = place::of(A::DOMAIN, A::UNIQUE[field].name, &value)?;
        let holder = StreamName::of_aggregate(A::DOMAIN, id);
        Ok(Self { part: 0, field, value, step, id: id.clone(), holder, place })
    }

    /// The claim of one of several commands.
    pub(crate) fn of_part(self, part: usize) -> Self {
        Self { part, ..self }
    }
}

/// Folds events that were just decided; gives what they change of the unique values.
pub(crate) fn apply<A: Aggregate>(
    fold: &mut Fold<A>,
    id: &AggregateId,
    events: &[A::Event],
) -> Result<Vec<Claim>> {
    let before = values(fold)?;
    fold.apply(events)?;
    let after = values(fold)?;
    let mut claims = Vec::new();
    for (field, value) in after.into_iter().enumerate() {
        let old = before.get(field).cloned().flatten();
        if old == value {
            continue;
        }
        for (value, step) in [(old, Step::GiveUp), (value, Step::Take)] {
            if let Some(value) = value {
                claims.push(Claim::new::<A>(id, field, value, step)?);
            }
        }
    }
    Ok(claims)
}

/// The same step for every value of a state.
pub(crate) fn all<A: Aggregate>(fold: &Fold<A>, id: &AggregateId, step: Step) -> Result<Vec<Claim>> {
    let values = values(fold)?.into_iter().enumerate();
    values.filter_map(|(field, value)| Some(Claim::new::<A>(id, field, value?, step))).collect()
}

/// The value of each unique field; empty where there are no such fields, or no events.
pub(super) fn values<A: Aggregate>(fold: &Fold<A>) -> Result<Vec<Option<String>>> {
    if A::UNIQUE.is_empty() || fold.version == Version::EMPTY {
        return Ok(Vec::new());
    }
    guarded::<A, _>("tag_value", || A::UNIQUE.iter().map(|unique| (unique.value)(&fold.state)).collect())
}

/// What the aggregate says where another one has what it claims.
pub(crate) fn rejection<A: Aggregate>(claim: &Claim) -> Result<A::Rejection> {
    guarded::<A, _>("#[unique]", || (A::UNIQUE[claim.field].taken)(claim.value.clone()))
}
