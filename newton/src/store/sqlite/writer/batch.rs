//! Group commit: one transaction and one sync for all jobs that wait.
//!
//! Waiting -> gathering (jobs read, check and write in the open transaction) -> committing -> answering -> waiting.
//! A failure while gathering or committing rolls everything back and forgets what was remembered.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, Statement};

use super::append::Appends;
use super::log::Log;
use super::state::StateWrites;
use super::{Job, Reply};
use crate::error::Result;
use crate::store::sqlite::backup;
use crate::store::sqlite::failure::{Failure, Outcome, of_sqlite};
use crate::store::sqlite::queue::{Queue, look_out};
use crate::store::sqlite::thread::Ready;
use crate::store::{Append, Appended, HeadSender, Revision, StateWrite};

/// The most jobs that share one commit.
const MAX_JOBS: usize = 1_024;

/// The most bytes of payload that share one commit, unless one job has more.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How long the writer looks out for the callers of the last commit before it commits without them, or sleeps.
const PATIENCE: Duration = Duration::from_micros(100);

/// Callers that do not keep the machine busy.
const FEW: usize = 2;

/// How long the writer sleeps before it looks again whether another process has let go of the write lock. SQLite's own
/// handler sleeps up to 100 ms, in which a busy process takes the lock anew a hundred times.
const LOOK_AGAIN: Duration = Duration::from_micros(300);

/// A job that can share a commit.
enum Write {
    Append(Append, Reply<Appended>),
    State(Vec<StateWrite>, Reply<Vec<Revision>>),
}

/// A job's outcome, held back until the commit.
enum Written {
    Append(Result<Appended>),
    State(Result<Vec<Revision>>),
}

struct Batches<'c> {
    connection: &'c Connection,
    begin: Statement<'c>,
    busy_timeout: Duration,
    commit: Statement<'c>,
    data_version: Statement<'c>,
    appends: Appends<'c>,
    state: StateWrites<'c>,
    log: Log<'c>,
    head: &'c HeadSender,
    file: &'c Path,
    queue: &'c Queue<Job>,
    /// What `PRAGMA data_version` said when the memory was last known to be true; `None` after a rollback.
    remembered: Option<i64>,
    /// The jobs of the last commit: as many callers may soon be back.
    last_jobs: usize,
}

/// Serves the queue until it is closed and empty.
pub(super) fn serve(
    mut connection: Connection,
    queue: &Queue<Job>,
    head: &HeadSender,
    file: &Path,
    busy_timeout: Duration,
    ready: Ready,
) -> Outcome<()> {
    let frames = Log::watch(&mut connection)?;
    let mut batches = Batches {
        connection: &connection,
        begin: connection.prepare("BEGIN IMMEDIATE")?,
        busy_timeout,
        commit: connection.prepare("COMMIT")?,
        data_version: connection.prepare("PRAGMA data_version")?,
        appends: Appends::prepare(&connection)?,
        state: StateWrites::prepare(&connection)?,
        log: Log::prepare(&connection, frames)?,
        head,
        file,
        queue,
        remembered: None,
        last_jobs: 1,
    };
    // From here on `begin` does the waiting.
    connection.busy_timeout(Duration::ZERO)?;
    ready.tell();
    while let Some(job) = queue.pop(batches.patience()) {
        batches.serve(job);
    }
    Ok(())
}

/// Which try of a batch it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Ids are believed to be new, and writes that arrive meanwhile join.
    First,
    /// Every id is asked for, and nothing joins.
    Again,
}

/// The writes of one transaction, and the jobs that must wait for its end.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    written: Vec<Written>,
    bytes: usize,
    backups: Vec<(PathBuf, Reply<()>)>,
}

impl Batches<'_> {
    fn serve(&mut self, job: Job) {
        let connection = self.connection;
        let mut backups = self.run(job);
        while let Some((to, reply)) = backups.pop() {
            let copied = backup::copy(connection, &to, || {
                if let Some(job) = self.queue.try_pop() {
                    backups.extend(self.run(job));
                }
            });
            // A caller that went away needs no answer.
            let _ = reply.send(copied);
        }
    }

    /// A lone caller may be back before a sleeping thread is awake. Many callers need the processor for themselves.
    fn patience(&self) -> Duration {
        if self.last_jobs <= FEW { PATIENCE } else { Duration::ZERO }
    }

    /// Commits a job and those that wait beside it; gives back the backups among them.
    fn run(&mut self, job: Job) -> Vec<(PathBuf, Reply<()>)> {
        let mut batch = Batch::default();
        batch.take(job);
        let mut outcome = self.transact(&mut batch, Pass::First);
        if outcome.as_ref().is_err_and(refuses_an_id) {
            self.roll_back();
            batch.written.clear();
            outcome = self.transact(&mut batch, Pass::Again);
        }
        match outcome {
            Ok(()) => self.answer(batch.writes, batch.written),
            Err(error) => self.fail(batch.writes, &error),
        }
        self.log.trim();
        batch.backups
    }

    fn transact(&mut self, batch: &mut Batch, pass: Pass) -> rusqlite::Result<()> {
        if batch.writes.is_empty() {
            return Ok(());
        }
        self.begin()?;
        self.refresh()?;
        while let Some(write) = batch.writes.get(batch.written.len()) {
            batch.written.push(self.apply(write, pass)?);
            if pass == Pass::First && batch.writes.len() == batch.written.len() && !batch.is_full() {
                self.gather(batch);
            }
        }
        self.state.save_counter()?;
        self.commit.raw_execute()?;
        self.last_jobs = batch.writes.len();
        Ok(())
    }

    /// Takes the write lock; waits for another process that has it.
    fn begin(&mut self) -> rusqlite::Result<()> {
        let start = Instant::now();
        loop {
            match self.begin.raw_execute() {
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && start.elapsed() < self.busy_timeout =>
                {
                    std::thread::sleep(LOOK_AGAIN);
                }
                result => return result.map(drop),
            }
        }
    }

    /// Takes the next write that waits, or that comes while callers of the last commit are expected back.
    fn gather(&self, batch: &mut Batch) {
        let count = batch.writes.len();
        let patience = if count >= self.last_jobs { Duration::ZERO } else { PATIENCE };
        while batch.writes.len() == count {
            match look_out(patience, || self.queue.try_pop()) {
                Some(job) => batch.take(job),
                None => return,
            }
        }
    }

    fn apply(&mut self, write: &Write, pass: Pass) -> rusqlite::Result<Written> {
        match write {
            Write::Append(append, _) => {
                settle(self.appends.apply(append, pass == Pass::Again)).map(Written::Append)
            }
            Write::State(batch, _) => settle(self.state.apply(batch)).map(Written::State),
        }
    }

    /// Forgets what was remembered if another connection has committed since, or a rollback undid it.
    fn refresh(&mut self) -> rusqlite::Result<()> {
        let version = self.data_version.query_row([], |row| row.get(0))?;
        if self.remembered != Some(version) {
            self.appends.reload()?;
            self.state.reload()?;
            self.remembered = Some(version);
        }
        Ok(())
    }

    fn answer(&self, writes: Vec<Write>, written: Vec<Written>) {
        if !writes.is_empty() {
            self.head.advance(self.appends.last_order_id());
        }
        for (write, written) in writes.into_iter().zip(written) {
            // A caller that went away needs no answer.
            match (write, written) {
                (Write::Append(_, reply), Written::Append(result)) => drop(reply.send(result)),
                (Write::State(_, reply), Written::State(result)) => drop(reply.send(result)),
                _ => {}
            }
        }
    }

    fn roll_back(&mut self) {
        self.remembered = None;
        if !self.connection.is_autocommit() {
            // The one way this fails is that SQLite has rolled back already.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// Rolls back. Where there was no space for all, each write gets a try of its own.
    fn fail(&mut self, writes: Vec<Write>, error: &rusqlite::Error) {
        self.roll_back();
        let full = matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::TooBig));
        if !full || writes.len() == 1 {
            for write in writes {
                write.fail(error, self.file);
            }
            return;
        }
        for write in writes {
            let mut alone = Batch { writes: vec![write], ..Batch::default() };
            match self.transact(&mut alone, Pass::Again) {
                Ok(()) => self.answer(alone.writes, alone.written),
                Err(error) => self.fail(alone.writes, &error),
            }
        }
    }
}

/// Whether the unique index over event ids ended the transaction: no other constraint of the tables can fail.
fn refuses_an_id(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// Keeps a refusal for its caller; only SQLite's failures end the batch.
fn settle<T>(outcome: Outcome<T>) -> rusqlite::Result<Result<T>> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Refused(error)) => Ok(Err(error)),
        Err(Failure::Database(error)) => Err(error),
    }
}

impl Batch {
    fn take(&mut self, job: Job) {
        match job {
            Job::Append(append, reply) => {
                let events = append.streams.iter().flat_map(|stream| &stream.events);
                self.bytes += events.map(|event| event.payload.len()).sum::<usize>();
                self.writes.push(Write::Append(append, reply));
            }
            Job::State(batch, reply) => {
                self.bytes +=
                    batch.iter().filter_map(|write| write.value.as_ref()).map(Bytes::len).sum::<usize>();
                self.writes.push(Write::State(batch, reply));
            }
            Job::Backup(to, reply) => self.backups.push((to, reply)),
        }
    }

    fn is_full(&self) -> bool {
        self.writes.len() >= MAX_JOBS || self.bytes >= MAX_BYTES
    }
}

impl Write {
    fn fail(self, error: &rusqlite::Error, file: &Path) {
        // A caller that went away needs no answer.
        match self {
            Self::Append(_, reply) => drop(reply.send(Err(of_sqlite(error, "append", file)))),
            Self::State(_, reply) => drop(reply.send(Err(of_sqlite(error, "write state", file)))),
        }
    }
}
