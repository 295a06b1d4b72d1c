//! Batches of events, each in one transaction with the checkpoint, the parked keys and the lease fence.
//!
//! A batch is first applied in one go. Where a handler fails, everything is rolled back, the projection is built anew, and
//! the batch is applied again with a savepoint an event, so that what fails is parked and nothing else is undone.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::origin::Origin;
use super::pulse::Pulse;
use super::tables::{self, Tables, failed, late};
use super::tx::{SqliteTables, SqliteTx};
use crate::domain::{Clock, HandlerError, Name, OrderId, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::projection::SqliteProjection;
use crate::projection::guard::{self, Flood, Trouble};
use crate::projection::parked::Note;
use crate::store::sqlite::open_beside;
use crate::subscription::Provided;

/// What a writer is opened with.
pub(super) struct Opening {
    pub(super) file: PathBuf,
    /// The event to keep, by which the file knows its log from now on.
    pub(super) origin: Option<Origin>,
    pub(super) epoch: u64,
    pub(super) provided: Provided,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) flood: Arc<Flood>,
}

/// What there is to know of a file that was opened.
pub(super) struct Opened {
    pub(super) position: OrderId,
    pub(super) parked_keys: usize,
    pub(super) is_changed: bool,
    pub(super) interrupt: rusqlite::InterruptHandle,
}

/// Writes a projection's file.
pub(super) struct Writer<P> {
    projection: P,
    connection: Connection,
    opening: Opening,
    tables: Tables,
    position: OrderId,
    parked: HashSet<Name>,
    /// Events whose handler was interrupted, which undid the transaction, and why.
    overdue: HashMap<OrderId, String>,
}

/// Why a transaction did not come about.
enum Failure {
    /// A handler failed: apply the events one by one.
    Handler,
    /// A transaction was undone by an interrupted statement: begin again, knowing what to park.
    Undone,
    /// Nothing that parking could help.
    Fatal(Error),
}

type Attempt<T = ()> = Result<T, Failure>;

impl<P: SqliteProjection> Writer<P> {
    /// Opens a file, makes it where it is missing, and takes it from the holder of an earlier lease.
    pub(super) fn open(opening: Opening) -> Result<(Self, Opened)> {
        let of_file = |error: rusqlite::Error| failed(&error, &opening.file);
        let connection = open_beside(&opening.file, false).map_err(of_file)?;
        let (tables, epoch) = (Tables(P::NAME), opening.epoch);
        connection.execute_batch("BEGIN IMMEDIATE").map_err(of_file)?;
        Tables::create(&connection).map_err(of_file)?;
        let (position, is_changed) = match tables.row(&connection).map_err(of_file)? {
            Some(row) if row.epoch > epoch => return Err(late(P::NAME, epoch).with("later", row.epoch)),
            Some(row) => {
                tables.raise_epoch(&connection, epoch).map_err(of_file)?;
                if let Some((at, event)) = &opening.origin {
                    tables.note_last(&connection, *at, event).map_err(of_file)?;
                }
                let now = tables::number(P::FINGERPRINT);
                (row.checkpoint, row.fingerprint.is_some() && now.is_some() && row.fingerprint != now)
            }
            None => {
                set_up::<P>(&connection)?;
                tables.insert(&connection, P::FINGERPRINT, epoch).map_err(of_file)?;
                (OrderId::START, false)
            }
        };
        let parked = tables.parked_keys(&connection).map_err(of_file)?;
        connection.execute_batch("COMMIT").map_err(of_file)?;
        let (projection, parked_keys) = (P::build(&opening.provided)?, parked.len());
        let interrupt = connection.get_interrupt_handle();
        let overdue = HashMap::new();
        let writer = Self { projection, connection, opening, tables, position, parked, overdue };
        Ok((writer, Opened { position, parked_keys, is_changed, interrupt }))
    }

    pub(super) fn parked_keys(&self) -> usize {
        self.parked.len()
    }

    /// Takes in events in one transaction.
    pub(super) fn apply(&mut self, events: &[Arc<RecordedEvent>], through: OrderId) -> Result<()> {
        let mut attempt = self.in_transaction(through, |writer| writer.all(events));
        loop {
            match attempt {
                Ok(()) => {
                    self.overdue.clear();
                    return Ok(());
                }
                Err(Failure::Handler | Failure::Undone) => {
                    attempt = self.in_transaction(through, |writer| writer.one_by_one(events));
                }
                Err(Failure::Fatal(error)) => return Err(error),
            }
        }
    }

    /// Tries the events of a parked key again, up to one that fails; gives how many were handled.
    pub(super) fn retry(&mut self, key: &str, events: &HashMap<OrderId, RecordedEvent>) -> Result<usize> {
        let position = self.position;
        loop {
            match self.in_transaction(position, |writer| writer.retry_parked(key, events)) {
                Ok(handled) => return Ok(handled),
                Err(Failure::Handler | Failure::Undone) => {}
                Err(Failure::Fatal(error)) => return Err(error),
            }
        }
    }

    /// Gives up the first event of a parked key.
    pub(super) fn drop_first(&mut self, key: &str, reason: &str) -> Result<()> {
        let dropped = self.in_transaction(self.position, |writer| {
            let (tables, connection) = (&writer.tables, &writer.connection);
            let first = tables.notes(connection, Some(key), 1).map_err(|error| writer.fatal(&error))?;
            let Some((_, note)) = first.into_iter().next() else { return Ok(()) };
            let time = writer.opening.clock.now();
            tables.give_up(connection, note.order_id, reason, time).map_err(|error| writer.fatal(&error))
        });
        match dropped {
            Err(Failure::Fatal(error)) => Err(error),
            // No handler is called here.
            Ok(()) | Err(Failure::Handler | Failure::Undone) => self.load_parked(),
        }
    }

    /// Runs a piece of work in a transaction that moves the checkpoint; undoes everything where it fails.
    fn in_transaction<T>(
        &mut self,
        through: OrderId,
        work: impl FnOnce(&mut Self) -> Attempt<T>,
    ) -> Attempt<T> {
        self.run("BEGIN IMMEDIATE")?;
        let outcome = work(self).and_then(|value| {
            let (epoch, from) = (self.opening.epoch, self.position);
            let advanced = self.tables.advance(&self.connection, epoch, from, through);
            if !advanced.map_err(|error| self.fatal(&error))? {
                return Err(Failure::Fatal(late(P::NAME, epoch)));
            }
            self.run("COMMIT")?;
            Ok(value)
        });
        if outcome.is_ok() {
            self.position = through;
        } else {
            self.undo().map_err(Failure::Fatal)?;
        }
        outcome
    }

    /// Rolls back, and forgets what was not committed.
    fn undo(&mut self) -> Result<()> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK").map_err(|error| failed(&error, &self.opening.file))?;
        }
        self.projection = P::build(&self.opening.provided)?;
        self.load_parked()
    }

    fn load_parked(&mut self) -> Result<()> {
        let parked = self.tables.parked_keys(&self.connection);
        self.parked = parked.map_err(|error| failed(&error, &self.opening.file))?;
        Ok(())
    }

    /// All events in one go, and what the projection held back of them.
    fn all(&mut self, events: &[Arc<RecordedEvent>]) -> Attempt {
        for event in events {
            if self.parked.contains(event.stream.as_str()) {
                self.park(event, None)?;
            } else {
                self.handle(event).map_err(|trouble| self.broke(event, trouble))?;
            }
        }
        let Some(last) = events.last() else { return Ok(()) };
        match self.flush(last.order_id) {
            Ok(()) => {}
            Err(Trouble::Handler(_)) => return Err(Failure::Handler),
            Err(Trouble::Infrastructure(error)) => return Err(Failure::Fatal(error)),
        }
        self.opening.flood.succeeded();
        self.note_last(events)
    }

    fn broke(&mut self, event: &RecordedEvent, trouble: Trouble) -> Failure {
        match trouble {
            Trouble::Infrastructure(error) => Failure::Fatal(error),
            Trouble::Handler(cause) => {
                // Not to be tried a second time: that took long enough.
                if self.opening.pulse.was_interrupted(event.order_id) {
                    self.overdue.insert(event.order_id, cause);
                }
                Failure::Handler
            }
        }
    }

    /// Each event for itself: what fails is parked, with the later events of its stream.
    fn one_by_one(&mut self, events: &[Arc<RecordedEvent>]) -> Attempt {
        for event in events {
            if self.parked.contains(event.stream.as_str()) {
                self.park(event, None)?;
            } else if let Err(cause) = self.alone(event)? {
                self.opening.flood.failed(&cause).map_err(Failure::Fatal)?;
                self.park(event, Some(cause))?;
            } else {
                self.opening.flood.succeeded();
            }
        }
        self.note_last(events)
    }

    /// Keeps which event the data ends with, so that another log is noticed.
    fn note_last(&self, events: &[Arc<RecordedEvent>]) -> Attempt {
        let Some(last) = events.last() else { return Ok(()) };
        let noted = self.tables.note_last(&self.connection, last.order_id, &last.id);
        noted.map_err(|error| self.fatal(&error))
    }

    /// Handles an event behind a savepoint; gives why it failed, where it did.
    fn alone(&mut self, event: &RecordedEvent) -> Attempt<Result<(), String>> {
        if let Some(cause) = self.overdue.get(&event.order_id) {
            return Ok(Err(cause.clone()));
        }
        self.run("SAVEPOINT newton")?;
        let handled = self.handle(event).and_then(|()| self.flush(event.order_id));
        let outcome = match handled {
            Ok(()) => Ok(()),
            Err(Trouble::Infrastructure(error)) => return Err(Failure::Fatal(error)),
            Err(Trouble::Handler(cause)) if self.connection.is_autocommit() => {
                self.overdue.insert(event.order_id, cause);
                return Err(Failure::Undone);
            }
            Err(Trouble::Handler(cause)) => {
                self.run("ROLLBACK TO newton")?;
                self.projection = P::build(&self.opening.provided).map_err(Failure::Fatal)?;
                Err(cause)
            }
        };
        self.run("RELEASE newton")?;
        Ok(outcome)
    }

    fn retry_parked(&mut self, key: &str, events: &HashMap<OrderId, RecordedEvent>) -> Attempt<usize> {
        let notes = self.tables.notes(&self.connection, Some(key), events.len().max(1));
        let mut handled = 0;
        for (_, note) in notes.map_err(|error| self.fatal(&error))? {
            let Some(event) = events.get(&note.order_id) else { break };
            if let Err(cause) = self.alone(event)? {
                let updated = self.tables.failed_again(&self.connection, note.order_id, &cause);
                updated.map_err(|error| self.fatal(&error))?;
                break;
            }
            self.tables.unpark(&self.connection, note.order_id).map_err(|error| self.fatal(&error))?;
            handled += 1;
        }
        let left = self.tables.notes(&self.connection, Some(key), 1).map_err(|error| self.fatal(&error))?;
        if left.is_empty() {
            self.parked.remove(key);
        }
        self.overdue.clear();
        Ok(handled)
    }

    fn handle(&mut self, event: &RecordedEvent) -> Result<(), Trouble> {
        let Self { projection, connection, opening, .. } = self;
        opening.pulse.begin(event.order_id);
        let mut tx = SqliteTx::new(connection, event);
        let handled =
            guard::call(|| projection.handle(event, &mut tx), |error| infrastructure(error, &opening.file));
        if opening.pulse.end(event.order_id) {
            return Err(interrupted::<P>("handler"));
        }
        handled.map(drop)
    }

    /// Lets the projection write what it held back, up to an event.
    fn flush(&mut self, last: OrderId) -> Result<(), Trouble> {
        let Self { projection, connection, opening, .. } = self;
        opening.pulse.begin(last);
        let mut tables = SqliteTables::new(connection);
        let flushed =
            guard::call(|| projection.write_held(&mut tables), |error| infrastructure(error, &opening.file));
        if opening.pulse.end(last) {
            return Err(interrupted::<P>("flush"));
        }
        flushed
    }

    fn park(&mut self, event: &RecordedEvent, cause: Option<String>) -> Attempt {
        let note = Note::of(event, cause, self.opening.clock.now());
        self.tables
            .park(&self.connection, event.stream.as_str(), &note)
            .map_err(|error| self.fatal(&error))?;
        if note.cause.is_some() {
            let (key, event) = (event.stream.as_str(), &event.id);
            tracing::warn!(projection = P::NAME, key, %event, cause = note.cause, "a key is parked");
            self.parked.insert(key.into());
        }
        Ok(())
    }

    fn run(&self, sql: &str) -> Attempt {
        let run = self.connection.prepare_cached(sql).and_then(|mut statement| statement.raw_execute());
        run.map(drop).map_err(|error| self.fatal(&error))
    }

    fn fatal(&self, error: &rusqlite::Error) -> Failure {
        Failure::Fatal(failed(error, &self.opening.file))
    }
}

fn interrupted<P: SqliteProjection>(what: &str) -> Trouble {
    Trouble::Handler(format!("the {what} took longer than {:?} and was interrupted", P::TIMEOUT))
}

/// Makes the tables of a new file.
fn set_up<P: SqliteProjection>(connection: &Connection) -> Result<()> {
    let set_up = guard::call(|| P::make_tables(&mut SqliteTables::new(connection)), guard::newtons);
    set_up.map_err(|trouble| match trouble {
        Trouble::Infrastructure(error) => error,
        Trouble::Handler(cause) => {
            let message = "`setup` failed, so nothing was made; mend it and start again";
            Error::new(ErrorKind::Configuration, "set up projection", message)
                .with("projection", P::NAME)
                .caused_by(cause)
        }
    })
}

/// The error of a handler that says that the file, not the event, is at fault.
fn infrastructure(error: &HandlerError, file: &std::path::Path) -> Option<Error> {
    let Some(sqlite) = error.downcast_ref::<rusqlite::Error>() else { return guard::newtons(error) };
    let code = sqlite.sqlite_error_code()?;
    if code == rusqlite::ErrorCode::OperationInterrupted {
        return None;
    }
    let error = failed(sqlite, file);
    matches!(
        error.kind(),
        ErrorKind::Full | ErrorKind::Unavailable | ErrorKind::ReadOnly | ErrorKind::Corrupt
    )
    .then_some(error)
}
