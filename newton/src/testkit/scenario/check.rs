//! The laws that scenarios check on their way.

/// A law that every scenario of its kind checks, unless its `without` switches it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// An event comes back unchanged from encode and decode.
    Encoding,
    /// Folding the same events twice gives the same state.
    PureEvolve,
    /// Deciding twice on the same command in the same state gives the same.
    PureDecide,
    /// Folding the stored bytes gives the live state.
    StoredFold,
    /// A snapshot taken after any event, and the events behind it, give the state of the full fold.
    ///
    /// Left out for an aggregate that says it is never snapshotted (`SNAPSHOT_EVERY` is `Some(0)`).
    Snapshots,
    /// A saga comes to the same whenever its process dies: before or behind any append, dispatch or write of state.
    Crashes,
    /// A saga that is given every event again does nothing again.
    Duplicates,
    /// A projection shows the same, however its events are cut into batches and whenever it is started again between them.
    Batches,
    /// A projection that is given every event again, by a rebuild, shows the same.
    Redelivery,
}

impl Check {
    /// The law in one sentence.
    pub(in crate::testkit) fn law(self) -> &'static str {
        match self {
            Self::Encoding => "an event must come back unchanged from encode and decode",
            Self::PureEvolve => "folding the same events twice must give the same state",
            Self::PureDecide => "deciding twice on the same command in the same state must give the same",
            Self::StoredFold => "folding the stored bytes must give the live state",
            Self::Snapshots => "a snapshot and the events behind it must give the state of the full fold",
            Self::Crashes => {
                "wherever the process dies, the saga must come to the same commands, states and ends"
            }
            Self::Duplicates => "a saga that is given every event again must do nothing again",
            Self::Batches => "however events are cut into batches, the projection must show the same",
            Self::Redelivery => "given every event again by a rebuild, the projection must show the same",
        }
    }

    /// What most often breaks it.
    pub(in crate::testkit) fn usual_causes(self) -> &'static str {
        match self {
            Self::Encoding => {
                "a field that is not serialized (`serde(skip)`), a serializer whose deserializer does something else, \
                 two variants with one name, or a value JSON cannot hold (NaN, a map whose keys are no texts)"
            }
            Self::PureEvolve => {
                "`evolve` reads a clock, a random number or a global, or depends on the order of a `HashMap`; \
                 or the state holds a value that is not equal to itself (NaN)"
            }
            Self::PureDecide => {
                "`decide` reads a clock, a random number or a global, or depends on the order of a `HashMap`; \
                 take the time from its `&Context`, and ids from the command"
            }
            Self::StoredFold => {
                "`evolve` uses a part of the event that is not stored, such as a field that is not serialized \
                 and that the event's `PartialEq` ignores"
            }
            Self::Snapshots => {
                "a field of the state that is not serialized (`serde(skip)`), or a value JSON cannot hold \
                 (NaN, a map whose keys are no texts)"
            }
            Self::Crashes | Self::Duplicates => {
                "a handler reads a clock, a random number or a global, or depends on the order of a `HashMap`; take the \
                 time from `flow.now()`, and make ids from the key or the event; or a field of the state is not serialized"
            }
            Self::Batches | Self::Redelivery => {
                "a handler counts deliveries, reads a clock, a random number or a global, keeps in its fields what is to \
                 last, or writes in `flush` what depends on how many events it has seen"
            }
        }
    }
}

/// Which checks are on.
#[derive(Clone, Debug, Default)]
pub(in crate::testkit) struct Checks {
    off: Vec<Check>,
}

impl Checks {
    pub(in crate::testkit) fn switch_off(&mut self, check: Check) {
        self.off.push(check);
    }

    pub(in crate::testkit) fn is_on(&self, check: Check) -> bool {
        !self.off.contains(&check)
    }
}

/// A broken law: which, where, and the two sides that should have been the same.
#[derive(Debug)]
pub(in crate::testkit) struct Violation {
    pub(in crate::testkit) check: Check,
    /// Where it broke, such as "at event 2, Deposited { amount: 10 }".
    pub(in crate::testkit) place: String,
    /// Each side's name and what it was.
    pub(in crate::testkit) sides: [(&'static str, String); 2],
}
