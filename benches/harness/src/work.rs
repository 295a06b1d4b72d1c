//! The works as data, and what a measurement gives.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contestant::Place;

/// One thing to measure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Work {
    /// Clients that execute commands, each one after the other.
    Execute {
        /// How many at the same time.
        clients: usize,
        /// On which accounts, and which commands.
        traffic: Traffic,
    },
    /// Loading one account of so many events.
    Load {
        /// The events in its stream.
        events: u64,
    },
    /// Loading the accounts of a traffic at random.
    LoadExisting {
        /// On which accounts; it must be [`Traffic::Existing`].
        traffic: Traffic,
    },
    /// Opening the store up to its first answer.
    Open,
}

/// Which commands reach which accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Traffic {
    /// Each client opens an account, moves money until it has so many events, and goes on to a new one.
    Fresh {
        /// The events of an account.
        events: u64,
    },
    /// Each command imports a new account of so many events.
    Import {
        /// The events of a command.
        events: u64,
    },
    /// Deposits on accounts that exist, at random; no two clients share one.
    Existing {
        /// The accounts are `acc-0` up to this number.
        accounts: u64,
        /// The events that each account is given beforehand; `None` where the store holds them.
        prepare: Option<u64>,
    },
    /// Deposits of all clients on one and the same account, which changes every 500 commands.
    One,
}

/// What a contestant is asked to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// What to measure.
    pub work: Work,
    /// On which data.
    pub place: Place,
    /// For how long.
    pub time: Duration,
}

/// What was measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Measure {
    /// Commands, loads or openings done.
    pub count: u64,
    /// In so many seconds.
    pub seconds: f64,
    /// Conflicts that a caller had to answer by trying again.
    pub conflicts: u64,
    /// Commands that were given up for conflicts.
    pub exhausted: u64,
    /// Calls of `fsync` and `fdatasync`.
    pub syncs: u64,
    /// The resident memory of the process afterwards, in KiB.
    pub resident: u64,
    /// The settings that decide on durability.
    pub settings: String,
}

impl Measure {
    /// How many a second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let count = self.count as f64;
        count / self.seconds
    }

    /// Milliseconds for each.
    pub fn millis(&self) -> f64 {
        1_000.0 / self.rate()
    }
}
