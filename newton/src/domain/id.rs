//! Ids of events, commands and correlations: UUIDs where Newton makes them, any text where others do.

use std::fmt;
use std::sync::Arc;

use uuid::{Builder, Uuid};

use crate::domain::StreamName;

/// A UUID, or any other text kept verbatim.
///
/// A text is held as a UUID only where printing that UUID gives the text back.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Id {
    Uuid(Uuid),
    Text(Arc<str>),
}

impl Id {
    fn parse(text: &str) -> Self {
        match Uuid::try_parse(text) {
            Ok(uuid) if uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text => {
                Self::Uuid(uuid)
            }
            _ => Self::Text(text.into()),
        }
    }

    /// The UUID, or for a foreign text a UUID that is always the same for it.
    fn to_uuid(&self) -> Uuid {
        match self {
            Self::Uuid(uuid) => *uuid,
            Self::Text(text) => Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => fmt::Display::fmt(uuid, f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) Id);

        impl $name {
            /// A new id that sorts by time (UUID version 7).
            pub fn generate() -> Self {
                Self(Id::Uuid(Uuid::now_v7()))
            }

            /// The UUID, unless the id is another program's text.
            pub fn as_uuid(&self) -> Option<Uuid> {
                match self.0 {
                    Id::Uuid(uuid) => Some(uuid),
                    Id::Text(_) => None,
                }
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(Id::Uuid(uuid))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Id::parse(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Id::parse(&text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// The id of an event, unique in a store for ever.
    EventId
}
id! {
    /// The id of a command. Executing one id twice takes effect once.
    CommandId
}
id! {
    /// What ties together all that came of one first cause.
    CorrelationId
}

impl From<CommandId> for CorrelationId {
    fn from(id: CommandId) -> Self {
        Self(id.0)
    }
}

/// Makes the ids of the events that one command causes in one stream.
///
/// An id holds the command id's time, so that new ids land at the end of an index, and a hash of command id,
/// stream and index, so that the same command always makes the same ids.
#[derive(Clone, Debug)]
pub struct EventIds {
    seed: [u8; 16],
}

impl EventIds {
    /// The ids that `command` causes in `stream`.
    pub fn of(command: &CommandId, stream: &StreamName) -> Self {
        Self::derived(&command.0, stream.as_str())
    }

    /// The ids that an event causes in the part of the system that `name` stands for.
    pub(crate) fn caused_by(event: &EventId, name: &str) -> Self {
        Self::derived(&event.0, name)
    }

    fn derived(base: &Id, name: &str) -> Self {
        let command = base.to_uuid();
        let hash = Uuid::new_v5(&command, name.as_bytes());
        let mut seed = *hash.as_bytes();
        seed[..6].copy_from_slice(&command.as_bytes()[..6]);
        Self { seed }
    }

    /// The id of the event at `index`, counted from 0.
    pub fn at(&self, index: usize) -> EventId {
        let mut bytes = self.seed;
        for (byte, mix) in bytes[8..].iter_mut().zip(spread(index as u64).to_be_bytes()) {
            *byte ^= mix;
        }
        EventId(Id::Uuid(Builder::from_custom_bytes(bytes).into_uuid()))
    }
}

/// Spreads neighbouring numbers over all 64 bits; a bijection (the finalizer of `SplitMix64`).
fn spread(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_uuids_become_uuids() {
        for text in
            ["550E8400-E29B-41D4-A716-446655440000", "550e8400e29b41d4a716446655440000", "order-7", ""]
        {
            assert_eq!(EventId::from(text).as_uuid(), None);
            assert_eq!(EventId::from(text).to_string(), text);
        }
        assert!(EventId::from("550e8400-e29b-41d4-a716-446655440000").as_uuid().is_some());
    }

    #[test]
    fn event_ids_are_stable_distinct_and_keep_the_commands_time() {
        let command = CommandId::generate();
        let stream = StreamName::parse("bank/Account/1").unwrap();
        let ids = EventIds::of(&command, &stream);
        let other = EventIds::of(&command, &StreamName::parse("bank/Account/2").unwrap());
        assert_eq!(ids.at(0), EventIds::of(&command, &stream).at(0));
        assert_ne!(ids.at(0), ids.at(1));
        assert_ne!(ids.at(0), other.at(0));
        let (id, command) = (ids.at(7).as_uuid().unwrap(), command.as_uuid().unwrap());
        assert_eq!(id.as_bytes()[..6], command.as_bytes()[..6]);
    }
}
