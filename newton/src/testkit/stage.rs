//! An app under test: on a runtime of its own, with a clock that moves only when nothing is under way, in a process that
//! can die and start again on the same stores.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, io, panic, thread};

use chrono::TimeDelta;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::app::{App, Builder, Newton, Unrest};
use crate::domain::{Clock, RecordedEvent, Timestamp};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::repository::RetryPolicy;
use crate::store::{
    Append, EventStoreExt, Expect, Head, MemoryStore, Read, Scan, Selection, StateKey, StateRecord,
    StateWrite, Stores,
};
use crate::testkit::idle::Idle;
use crate::testkit::{Faults, VirtualClock};

/// What an app is made of, besides its stores and its clock: called for every process.
pub(super) type Recipe = Arc<dyn Fn(Builder, &Faults) -> Builder + Send + Sync>;

/// Where the events are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Memory,
    #[cfg(feature = "sqlite")]
    Sqlite,
}

/// An app under test.
pub(super) struct Stage {
    recipe: Recipe,
    pub(super) stores: Stores,
    pub(super) clock: VirtualClock,
    /// Those of the present process.
    faults: Faults,
    /// The places of the reactions as they were before there was any event.
    places: Vec<StateRecord>,
    process: Option<Process>,
    folder: Folder,
}

/// A running app. Without its runtime nothing of it is left.
struct Process {
    app: App,
    runtime: Runtime,
    idle: Arc<Idle>,
}

/// A folder for the files of a stage, made by whoever needs it.
struct Folder(PathBuf);

/// So often a start is tried that fails for a reason that may pass.
const STARTS: u32 = 8;

/// So often what failed is tried again before it is believed to fail for ever.
const RETRIES: u32 = 1_000;

/// Longer than any scenario: a dead process of a scenario is known to be dead, so its leases need not run out.
const LEASE_TERM: Duration = Duration::from_hours(1);

/// Commands that conflict are decided again at once.
const AT_ONCE: RetryPolicy = RetryPolicy { attempts: 10, base: Duration::ZERO, longest: Duration::ZERO };

/// A guard against an app that never comes to rest.
const GUARD: Duration = Duration::from_mins(1);

const PLACES: &str = "checkpoint";

impl Stage {
    /// A stage with a running app, whose stores fail as planned.
    pub(super) fn new(recipe: Recipe, place: Place, faults: Faults) -> Result<Self> {
        let folder = Folder(env::temp_dir().join(format!("newton-{}", Uuid::now_v7())));
        let mut stage = Self {
            recipe,
            stores: place.open(&folder.0)?,
            clock: VirtualClock::new(),
            faults,
            places: Vec::new(),
            process: None,
            folder,
        };
        stage.start()?;
        let records = stage.stores.state.clone();
        stage.places = stage.ask(async move || records.scan(Scan::of(PLACES, "")).await)?;
        Ok(stage)
    }

    /// The running app.
    pub(super) fn app(&self) -> Result<&App> {
        self.process.as_ref().map(|process| &process.app).ok_or_else(not_running)
    }

    /// The faults of the present process.
    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Runs a task with the app; `None` where the process died meanwhile, and another one runs now.
    pub(super) fn attempt<T: Send>(&mut self, task: impl AsyncFnOnce(App) -> T + Send) -> Result<Option<T>> {
        let Process { app, runtime, .. } = self.process.as_ref().ok_or_else(not_running)?;
        let (app, faults) = (app.clone(), self.faults.clone());
        let outcome = apart(|| {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = faults.crashed() => None,
                    outcome = task(app) => Some(outcome),
                }
            })
        });
        if outcome.is_none() {
            self.restart()?;
        }
        Ok(outcome)
    }

    /// Asks something of the stores or of the app, for which the stores never fail on purpose.
    pub(super) fn ask<T: Send>(&self, task: impl AsyncFnOnce() -> T + Send) -> T {
        match &self.process {
            Some(Process { runtime, .. }) => apart(|| runtime.block_on(Faults::aside(task()))),
            None => apart(|| match new_runtime() {
                Ok((runtime, _)) => runtime.block_on(Faults::aside(task())),
                Err(error) => super::scenario::fail(&error.to_string()),
            }),
        }
    }

    /// Appends events as they are, whatever the plan says.
    pub(super) fn append(&mut self, append: Append) -> Result<()> {
        let events = self.stores.events.clone();
        self.ask(async move || events.append(append).await).map(drop)
    }

    /// Everything that is stored, records of sagas included.
    pub(super) fn log(&self) -> Result<Vec<RecordedEvent>> {
        let events = self.stores.events.clone();
        self.ask(async move || events.read_all(Read::of(Selection::All).with_system()).await)
    }

    /// Waits until nothing is under way.
    pub(super) fn settle(&mut self) -> Result<()> {
        loop {
            let idle = self.process.as_ref().ok_or_else(not_running)?.idle.clone();
            let rest = Rest { idle, faults: self.faults.clone(), clock: self.clock.clone() };
            let events = self.stores.events.clone();
            let rested = async move |app| rest.reached(&app, events.head().await?).await;
            if let Some(outcome) = self.attempt(rested)? {
                return outcome;
            }
        }
    }

    /// Lets time pass, from one thing that waits for it to the next.
    pub(super) fn after(&mut self, duration: Duration) -> Result<()> {
        let delta = TimeDelta::from_std(duration).ok();
        let end = delta.and_then(|delta| self.clock.now().checked_add_signed(delta));
        self.until(end.unwrap_or(Timestamp::MAX_UTC))
    }

    /// As [`after`](Self::after), for a point in time.
    pub(super) fn until(&mut self, end: Timestamp) -> Result<()> {
        self.settle()?;
        while let Some(next) = self.clock.next_wait().filter(|next| *next <= end) {
            self.clock.set(next.max(self.clock.now()));
            self.settle()?;
        }
        self.clock.set(end.max(self.clock.now()));
        self.settle()
    }

    /// Ends the process as it is, and starts another one.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.kill();
        self.faults = Faults::none();
        self.start()
    }

    /// Starts another process that is given every event again.
    pub(super) fn deliver_again(&mut self) -> Result<()> {
        self.kill();
        let again = |record: &StateRecord| StateWrite {
            key: StateKey::new(PLACES, record.key.clone()),
            expect: Expect::Any,
            value: Some(record.value.clone()),
        };
        let (state, writes) = (self.stores.state.clone(), self.places.iter().map(again).collect::<Vec<_>>());
        if !writes.is_empty() {
            self.ask(async move || state.write(writes).await)?;
        }
        self.start()?;
        self.settle()
    }

    fn start(&mut self) -> Result<()> {
        let mut last = not_running();
        for _ in 0..STARTS {
            let (runtime, idle) = new_runtime()?;
            let builder = Newton::builder().stores(self.faults.over(&self.stores)).clock(self.clock.clone());
            let builder = builder.service("scenario").projections_in(&self.folder.0);
            let builder = builder.lease_term(LEASE_TERM).retry(AT_ONCE);
            let (builder, faults) = ((self.recipe)(builder, &self.faults), self.faults.clone());
            let started = apart(|| {
                runtime.block_on(async {
                    tokio::select! {
                        biased;
                        () = faults.crashed() => None,
                        app = builder.start() => Some(app),
                    }
                })
            });
            match started {
                Some(Ok(app)) => {
                    self.process = Some(Process { app, runtime, idle });
                    return Ok(());
                }
                Some(Err(error)) if error.retry() == Retry::Never => {
                    runtime.shutdown_background();
                    return Err(error);
                }
                Some(Err(error)) => last = error,
                None => self.faults = Faults::none(),
            }
            runtime.shutdown_background();
        }
        Err(last)
    }

    fn kill(&mut self) {
        if let Some(Process { app, runtime, .. }) = self.process.take() {
            runtime.shutdown_background();
            drop(app);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is there only where something was kept in it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Place {
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(unused_variables, clippy::unnecessary_wraps, reason = "only files can fail")
    )]
    fn open(self, folder: &Path) -> Result<Stores> {
        match self {
            Self::Memory => Ok(Stores::of(MemoryStore::new())),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => {
                use crate::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};

                fs::create_dir_all(folder).map_err(|error| {
                    let message = "there is no folder for the file of a scenario";
                    Error::new(ErrorKind::Configuration, "open store", message).caused_by(error)
                })?;
                // Processes of a scenario die, the machine does not.
                let options = SqliteOptions { synchronous: Synchronous::Off, ..SqliteOptions::default() };
                SqliteStore::open(folder.join("events.db"), options).map(Stores::of)
            }
        }
    }
}

/// What tells whether an app is at rest.
struct Rest {
    idle: Arc<Idle>,
    faults: Faults,
    clock: VirtualClock,
}

impl Rest {
    /// Waits until nothing is under way: no task can run, no operation of a store is on its way, nobody waits for a time
    /// that has come, and every reaction has taken in the whole log. What failed is tried again at once, for no time
    /// passes meanwhile.
    async fn reached(&self, app: &App, head: Head) -> Result<()> {
        let (began, mut retries) = (Instant::now(), 0);
        loop {
            self.idle.reached().await;
            let unrest = self.unrest(app, &head);
            match unrest {
                Unrest::None => return Ok(()),
                Unrest::Wait => retries += 1,
                Unrest::Work => {}
            }
            if retries > RETRIES || began.elapsed() > GUARD {
                return Err(self.restless(app, unrest, &head));
            }
            app.resume_all();
            // What is left is done by other threads, which need the processor.
            thread::yield_now();
        }
    }

    fn unrest(&self, app: &App, head: &Head) -> Unrest {
        let is_due = self.clock.next_wait().is_some_and(|next| next <= self.clock.now());
        if is_due || self.faults.under_way() > 0 { Unrest::Work } else { app.unrest(head.current()) }
    }

    fn restless(&self, app: &App, unrest: Unrest, head: &Head) -> Error {
        let message = "the app did not come to rest; see what its reactions say";
        Error::new(ErrorKind::Unavailable, "run scenario", message)
            .with("unrest", format_args!("{unrest:?}"))
            .with("operations under way", self.faults.under_way())
            .with("head", head.current())
            .with("waits for", format_args!("{:?}", self.clock.next_wait()))
            .with("reactions", format_args!("{:?}", app.statuses(head.current())))
    }
}

/// Runs something on a thread of its own: a test may run on a runtime, which cannot wait for another one.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| panic::resume_unwind(panic))
}

fn new_runtime() -> Result<(Runtime, Arc<Idle>)> {
    Idle::runtime().map_err(|error: io::Error| {
        Error::new(ErrorKind::Internal, "run scenario", "there is no runtime").caused_by(error)
    })
}

fn not_running() -> Error {
    Error::new(ErrorKind::Internal, "run scenario", "the app does not run")
}
