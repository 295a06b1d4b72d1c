//! The projections of these tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use newton::domain::{EventType, Fingerprint, decode_recorded};
use newton::prelude::*;
use newton::projection::SqliteProjection;
use newton::registry::{ReactionEntry, Register, Registry};
use newton::subscription::Provided;
use newton::{Handler, HandlerError, RecordedEvent};
use newton_tests::bank::AccountEvent;

/// Says of a type what its derive would.
macro_rules! projection {
    ($type:ty, $context:ident, $name:literal, $fingerprint:literal, $entry:ident) => {
        impl Handler for $type {
            type Context<'a> = $context<'a>;
        }

        impl Projection for $type {
            const NAME: &'static str = $name;
            const FINGERPRINT: Fingerprint = Fingerprint::Known($fingerprint);

            fn event_types() -> Vec<&'static EventType> {
                <AccountEvent as newton::Event>::TYPES.iter().collect()
            }

            fn handle(
                &mut self,
                event: &RecordedEvent,
                context: &mut Self::Context<'_>,
            ) -> Result<bool, HandlerError> {
                self.on(&decode_recorded::<AccountEvent>(event)?, context)?;
                Ok(true)
            }
        }

        impl Register for $type {
            type Kind = newton::registry::kind::Projection;

            fn register(registry: &mut Registry) {
                registry.add_reaction(ReactionEntry::$entry::<$type>());
            }
        }
    };
}

/// The money of every account, and how many events it took.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Balances {
    pub(super) by_stream: BTreeMap<String, i64>,
    pub(super) events: u64,
}

projection!(Balances, View, "Balances", 1, projection);

impl On<AccountEvent> for Balances {
    fn on(&mut self, event: &AccountEvent, view: &mut View<'_>) -> Result<()> {
        let stream = view.meta().stream.to_string();
        let change = change(event, &stream)?;
        *self.by_stream.entry(stream).or_default() += change;
        self.events += 1;
        Ok(())
    }
}

/// What an event does to the money. Fails on 13 until the stream is mended, and panics on 666.
fn change(event: &AccountEvent, stream: &str) -> Result<i64> {
    match event {
        AccountEvent::Deposited { amount: 13 } if !MENDED.lock().unwrap().contains(stream) => {
            Err(HandlerError::new("13 is unlucky"))
        }
        AccountEvent::Deposited { amount: 666 } => panic!("the beast"),
        AccountEvent::Deposited { amount } => Ok(i64::try_from(*amount)?),
        AccountEvent::Withdrawn { amount } => Ok(-i64::try_from(*amount)?),
        AccountEvent::Opened { .. } | AccountEvent::Cursed => Ok(0),
    }
}

/// The streams in which 13 is no misfortune any more.
pub(super) static MENDED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The same in a table: not idempotent, so that whatever is applied twice shows.
pub(super) struct Table;

/// A later version of the code of [`Table`].
pub(super) struct Changed;

macro_rules! table {
    ($type:ident, $name:literal, $fingerprint:literal, $factor:literal) => {
        projection!($type, SqliteTx, $name, $fingerprint, sqlite_projection);

        impl On<AccountEvent> for $type {
            fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx<'_>) -> Result<()> {
                let stream = tx.meta().stream.to_string();
                tx.execute(ADD, (&stream, $factor * change(event, &stream)?))?;
                Ok(())
            }
        }

        impl SqliteProjection for $type {
            const SHARED: bool = false;

            fn build(_: &Provided) -> newton::Result<Self> {
                Ok(Self)
            }

            fn make_tables(tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
                Ok(tx.execute_batch(BALANCES)?)
            }
        }
    };
}

pub(super) const BALANCES: &str =
    "CREATE TABLE balances (stream TEXT PRIMARY KEY, balance INTEGER, events INTEGER)";

const ADD: &str = "INSERT INTO balances (stream, balance, events) VALUES (?1, ?2, 1)
    ON CONFLICT (stream) DO UPDATE SET balance = balance + ?2, events = events + 1";

table!(Table, "Table", 1, 1);
table!(Changed, "Table", 2, 100);

/// Buffers in itself, and writes at once.
pub(super) struct InSets(BTreeMap<String, i64>);

projection!(InSets, SqliteTx, "InSets", 1, sqlite_projection);

impl On<AccountEvent> for InSets {
    fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx<'_>) -> Result<()> {
        let stream = tx.meta().stream.to_string();
        *self.0.entry(stream.clone()).or_default() += change(event, &stream)?;
        Ok(())
    }
}

impl SqliteProjection for InSets {
    const SHARED: bool = true;

    fn build(_: &Provided) -> newton::Result<Self> {
        Ok(Self(BTreeMap::new()))
    }

    fn make_tables(tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        Ok(tx.execute_batch(BALANCES)?)
    }

    fn write_held(&mut self, tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        for (stream, change) in std::mem::take(&mut self.0) {
            tx.execute(ADD, (&stream, change))?;
        }
        Ok(())
    }
}

/// Spins in SQL for ever where an account is named so; else counts.
pub(super) struct Endless;

projection!(Endless, SqliteTx, "Endless", 1, sqlite_projection);

impl On<AccountEvent> for Endless {
    fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx<'_>) -> Result<()> {
        let stream = tx.meta().stream.to_string();
        if matches!(event, AccountEvent::Opened { owner } if owner == "endless") {
            let spin = "WITH RECURSIVE spin(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM spin) SELECT count(*) FROM spin";
            tx.query_row(spin, (), |row| row.get::<_, i64>(0))?;
        }
        tx.execute(ADD, (&stream, change(event, &stream)?))?;
        Ok(())
    }
}

impl SqliteProjection for Endless {
    const SHARED: bool = false;
    const TIMEOUT: Duration = Duration::from_millis(100);

    fn build(_: &Provided) -> newton::Result<Self> {
        Ok(Self)
    }

    fn make_tables(tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        Ok(tx.execute_batch(BALANCES)?)
    }
}

/// Waits in its handler until it is let go.
pub(super) struct Gated(Gate);

/// The handler waits for as many permits as it gets events.
#[derive(Clone)]
pub(super) struct Gate(pub(super) Arc<Mutex<mpsc::Receiver<()>>>);

projection!(Gated, SqliteTx, "Gated", 1, sqlite_projection);

impl On<AccountEvent> for Gated {
    fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx<'_>) -> Result<()> {
        let stream = tx.meta().stream.to_string();
        tx.execute(ADD, (&stream, change(event, &stream)?))?;
        Ok(self.0.0.lock().unwrap().recv()?)
    }
}

impl SqliteProjection for Gated {
    const SHARED: bool = false;

    fn build(provided: &Provided) -> newton::Result<Self> {
        Ok(Self(provided.take("Gated", "0")?))
    }

    fn make_tables(tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        Ok(tx.execute_batch(BALANCES)?)
    }
}
