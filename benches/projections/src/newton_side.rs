//! Newton's projections, as a user has them.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use bench_harness::bank::AccountEvent;
use newton::domain::{EventType, Fingerprint, decode_recorded};
use newton::prelude::*;
use newton::projection::SqliteProjection;
use newton::registry::{ReactionEntry, Register, Registry};
use newton::subscription::Provided;
use newton::{Handler, HandlerError, Newton, RecordedEvent};

use crate::Failure;
use crate::raw::amount;

/// In memory.
#[derive(Default)]
pub(crate) struct Balances {
    by_stream: HashMap<String, u64>,
    events: u64,
}

/// A row for each event.
pub(crate) struct Movements;

/// Takes 300 ms for an event, inside its transaction.
pub(crate) struct Slow;

macro_rules! projection {
    ($type:ident, $context:ident, $entry:ident) => {
        impl Handler for $type {
            type Context<'a> = $context<'a>;
        }

        impl Projection for $type {
            const NAME: &'static str = stringify!($type);
            const FINGERPRINT: Fingerprint = Fingerprint::Known(1);

            fn event_types() -> Vec<&'static EventType> {
                <AccountEvent as newton::Event>::TYPES.iter().collect()
            }

            fn handle(
                &mut self,
                event: &RecordedEvent,
                context: &mut $context<'_>,
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

projection!(Balances, View, projection);
projection!(Movements, SqliteTx, sqlite_projection);
projection!(Slow, SqliteTx, sqlite_projection);

impl On<AccountEvent> for Balances {
    fn on(&mut self, event: &AccountEvent, view: &mut View<'_>) -> Result<()> {
        let stream = view.meta().stream.as_str();
        match self.by_stream.get_mut(stream) {
            Some(balance) => *balance += amount(event),
            None => drop(self.by_stream.insert(stream.to_owned(), amount(event))),
        }
        self.events += 1;
        Ok(())
    }
}

impl On<AccountEvent> for Movements {
    fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx<'_>) -> Result<()> {
        let meta = tx.meta();
        let row = (meta.order_id.0.cast_signed(), meta.stream.as_str(), amount(event).cast_signed());
        tx.execute("INSERT INTO movements VALUES (?, ?, ?)", row)?;
        Ok(())
    }
}

impl On<AccountEvent> for Slow {
    fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx<'_>) -> Result<()> {
        tx.execute("INSERT INTO movements VALUES (NULL, 'slow', ?)", (amount(event).cast_signed(),))?;
        std::thread::sleep(Duration::from_millis(300));
        Ok(())
    }
}

macro_rules! movements {
    ($type:ident) => {
        impl SqliteProjection for $type {
            const SHARED: bool = false;

            fn build(_: &Provided) -> newton::Result<Self> {
                Ok(Self)
            }

            fn make_tables(tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
                let table = "CREATE TABLE movements (order_id INTEGER PRIMARY KEY, stream TEXT NOT NULL, amount INTEGER NOT NULL)";
                tx.execute(table, ())?;
                Ok(())
            }
        }
    };
}

movements!(Movements);
movements!(Slow);

/// From the start of the app until the view in memory is whole.
pub(crate) async fn memory(file: &Path, events: u64) -> Result<Duration, Failure> {
    let builder = Newton::builder().store(format!("sqlite://{}", file.display())).only::<Balances>();
    let start = Instant::now();
    let app = builder.start().await?;
    app.caught_up_all().await?;
    let took = start.elapsed();
    assert_eq!(app.view::<Balances>()?.read().events, events);
    Ok(took)
}

/// From the start of the app until the new table is whole.
pub(crate) async fn sqlite(file: &Path, events: u64) -> Result<Duration, Failure> {
    let folder = tempfile::tempdir_in(file.parent().ok_or("the file has a folder")?)?;
    let builder = Newton::builder().store(format!("sqlite://{}", file.display())).only::<Movements>();
    let start = Instant::now();
    let app = builder.projections_in(folder.path()).start().await?;
    app.caught_up_all().await?;
    let took = start.elapsed();
    let sql = "SELECT count(*) FROM movements";
    let rows = app.view::<Movements>()?.query_row(sql, (), |row| row.get::<_, i64>(0)).await?;
    assert_eq!(rows, Some(events.cast_signed()));
    Ok(took)
}
