//! Scenarios of whole apps: given and when commands, then events, commands of sagas, views, and nothing more.
//!
//! - [`AppScenario`]: the steps; `then`: what is expected of them; `causes`: what is expected of who caused what
//! - [`FaultMatrix`]: the same scenario with each fault at each operation of the stores
//! - `end`: the state at the end, as runs are compared by

mod causes;
mod end;
mod matrix;
mod then;

use std::collections::HashSet;
use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

pub use matrix::FaultMatrix;

use crate::app::Builder;
use crate::domain::{
    Aggregate, AggregateId, AnyRejection, Clock, Command, CommandId, ExpectedVersion, NewEvent, OrderId,
    StreamName,
};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::registry::Register;
use crate::repository::ExecuteError;
use crate::store::Append;
use crate::testkit::Faults;
use crate::testkit::facts::IntoFacts;
use crate::testkit::scenario::fail;
use crate::testkit::scenario::report::{Script, command_text};
use crate::testkit::stage::{Place, Stage};

/// A test of several types together, as the app that they make: aggregates, projections, sagas, event handlers.
///
/// Each step waits until nothing is under way any more, without a sleep. Time stands still until the test lets it pass,
/// and then goes from one thing that waits for it to the next. Command ids count up, so that two runs are the same.
///
/// ```
/// use newton::prelude::*;
/// use newton::testkit::AppScenario;
///
/// # #[derive(Event, Clone)]
/// # enum LampEvent { SwitchedOn }
/// # #[derive(Command, Clone)]
/// # enum LampCommand { SwitchOn }
/// # #[derive(Rejection, Debug, PartialEq)]
/// # enum LampError { AlreadyOn }
/// # #[derive(Aggregate, Clone, Debug, Default)]
/// # #[aggregate(context = "home")]
/// # struct Lamp { on: bool }
/// # impl Lamp {
/// #     fn decide(&self, _: LampCommand) -> Result<LampEvent, LampError> {
/// #         if self.on { Err(LampError::AlreadyOn) } else { Ok(LampEvent::SwitchedOn) }
/// #     }
/// #     fn evolve(&mut self, _: &LampEvent) { self.on = true; }
/// # }
/// #[derive(Projection, Debug, Default, PartialEq)]
/// #[projection(handles(LampEvent))]
/// struct Lit { lamps: u32 }
///
/// impl On<LampEvent> for Lit {
///     fn on(&mut self, _: &LampEvent, _: &mut View) -> Result<()> {
///         self.lamps += 1;
///         Ok(())
///     }
/// }
///
/// AppScenario::<(Lamp, Lit)>::new()
///     .when("hall", LampCommand::SwitchOn)
///     .then_events(LampEvent::SwitchedOn)
///     .then_nothing_more()
///     .then_view::<Lit>(|lit| assert_eq!(lit.lamps, 1))
///     .when("hall", LampCommand::SwitchOn)
///     .then_rejected(LampError::AlreadyOn)
///     .then_nothing_more();
/// ```
pub struct AppScenario<T> {
    settings: Settings,
    /// Started by the first step.
    stage: Option<Stage>,
    commands: u128,
    events: u128,
    /// What happened up to here was before the present step.
    before: OrderId,
    /// The commands that sagas had sent before the present step, and those that were expected since.
    sent: HashSet<String>,
    /// The events of the present step that were expected.
    expected: HashSet<OrderId>,
    rejection: Option<AnyRejection>,
    script: Script,
    types: PhantomData<fn() -> T>,
}

/// What an app is made with.
#[derive(Clone, Default)]
struct Settings {
    place: Place,
    faults: Faults,
    configure: Vec<Arc<dyn Fn(Builder) -> Builder + Send + Sync>>,
}

/// So often a command is sent until it has an outcome, as a client would that has patience.
const ATTEMPTS: u32 = 8;

impl<T: Register> AppScenario<T> {
    /// An app of these types, a tuple of them, over stores in memory.
    #[must_use]
    pub fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    /// Keeps everything in an SQLite file of its own instead.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn on_sqlite(mut self) -> Self {
        self.settings.place = Place::Sqlite;
        self
    }

    /// Sets the app's builder up, such as with what handlers need; for every start of the app.
    #[must_use]
    pub fn with(mut self, configure: impl Fn(Builder) -> Builder + Send + Sync + 'static) -> Self {
        self.settings.configure.push(Arc::new(configure));
        self
    }

    /// A command that was executed before.
    ///
    /// # Panics
    /// Where it is not accepted.
    #[must_use]
    #[track_caller]
    pub fn given<C: Command>(mut self, id: impl Display, command: C) -> Self {
        self.script.line("given", &format!("{} to {id}", command_text(&command)));
        if let Some(rejection) = self.execute(&id.to_string(), &command) {
            let actual = format!("rejected: {rejection:?}");
            self.fail_with("a given command was rejected", "accepted", &actual);
        }
        self.begin();
        self
    }

    /// Events of an aggregate that were recorded before, whatever it would have said.
    ///
    /// # Panics
    /// Where they cannot be stored.
    #[must_use]
    #[track_caller]
    pub fn given_events<A: Aggregate>(mut self, id: impl Display, events: impl IntoFacts) -> Self {
        let outcome = self.append::<A>(&id.to_string(), events);
        self.must(outcome);
        self.begin();
        self
    }

    /// Sends a command to an aggregate. All that comes of it, now and at this time, is what the step is asked for.
    ///
    /// # Panics
    /// Where it has no outcome: neither accepted nor rejected.
    #[must_use]
    #[track_caller]
    pub fn when<C: Command>(mut self, id: impl Display, command: C) -> Self {
        self.begin();
        self.script.line("when", &format!("{} to {id}", command_text(&command)));
        self.rejection = self.execute(&id.to_string(), &command);
        self
    }

    /// Lets time pass. All that comes of it is what the step is asked for.
    ///
    /// # Panics
    /// Where the app does not come to rest.
    #[must_use]
    #[track_caller]
    pub fn after(mut self, duration: Duration) -> Self {
        self.begin();
        self.script.line("after", &format!("{duration:?}"));
        let outcome = self.stage().and_then(|stage| stage.after(duration));
        self.must(outcome);
        self
    }

    /// Ends the process of the app where it is, and starts another one.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    #[track_caller]
    pub fn restarted(mut self) -> Self {
        self.script.line("when", "the app is killed and started again");
        let outcome = self.stage().and_then(|stage| stage.restart().and_then(|()| stage.settle()));
        self.must(outcome);
        self
    }

    fn with_settings(settings: Settings) -> Self {
        Self {
            settings,
            stage: None,
            commands: 0,
            events: 0,
            before: OrderId::START,
            sent: HashSet::new(),
            expected: HashSet::new(),
            rejection: None,
            script: Script::default(),
            types: PhantomData,
        }
    }

    fn stage(&mut self) -> Result<&mut Stage> {
        if self.stage.is_none() {
            let configure = self.settings.configure.clone();
            let recipe = Arc::new(move |builder: Builder, _: &Faults| {
                configure.iter().fold(builder.only::<T>(), |builder, configure| configure(builder))
            });
            let mut stage = Stage::new(recipe, self.settings.place, self.settings.faults.clone())?;
            stage.settle()?;
            self.stage = Some(stage);
        }
        let missing = || Error::new(ErrorKind::Internal, "run scenario", "the app does not run");
        self.stage.as_mut().ok_or_else(missing)
    }

    /// Begins a step.
    #[track_caller]
    fn begin(&mut self) {
        let log = self.log();
        self.before = log.last().map_or(OrderId::START, |event| event.order_id);
        self.sent = self.commands_of(&log).into_iter().map(|sent| sent.id).collect();
        self.expected.clear();
        self.rejection = None;
    }

    /// Executes a command as a patient client does: again under the same id until it has an outcome.
    #[track_caller]
    fn execute<C: Command>(&mut self, id: &str, command: &C) -> Option<AnyRejection> {
        self.commands += 1;
        let command_id = CommandId::from(Uuid::from_u128(self.commands));
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let (id, command, command_id) = (id.to_owned(), command.clone(), command_id.clone());
            let outcome = self.stage().and_then(|stage| {
                let execute = async move |app: crate::App| {
                    app.execute(id, command).command_id(command_id).await.map_err(ExecuteError::erase)
                };
                let outcome = stage.attempt(execute)?;
                stage.settle()?;
                Ok(outcome)
            });
            match self.must(outcome) {
                None => {}
                Some(Ok(_)) => return None,
                Some(Err(ExecuteError::Rejected(rejection))) => return Some(rejection),
                Some(Err(ExecuteError::Failed(error))) if error.retry() == Retry::Never => {
                    self.fail_with(&format!("the command failed: {error}"), "an outcome", "none")
                }
                Some(Err(ExecuteError::Failed(error))) => last = Some(error),
            }
        }
        let reason = last.map(|error| error.to_string()).unwrap_or_default();
        self.fail_with(&format!("the command has no outcome: {reason}"), "an outcome", "none")
    }

    fn append<A: Aggregate>(&mut self, id: &str, events: impl IntoFacts) -> Result<()> {
        let stream = StreamName::of_aggregate(A::DOMAIN, &AggregateId::parse(id)?);
        let mut recorded: Vec<NewEvent> = Vec::new();
        for fact in events.into_facts() {
            self.script.line("given", &fact.text());
            self.events += 1;
            // Apart from the ids of commands, which count up from 1.
            let id = Uuid::from_u128(self.events | 1 << 64).into();
            recorded.push(fact.to_event(id).map_err(|error| {
                let message = format!("`{}` has no JSON form", fact.text());
                Error::new(ErrorKind::InvalidInput, "encode event", message).caused_by(error)
            })?);
        }
        let stage = self.stage()?;
        let now = stage.clock.now();
        stage.append(Append::to(stream, ExpectedVersion::Any, recorded, now))?;
        stage.settle()
    }

    /// What must not fail.
    #[track_caller]
    fn must<V>(&self, outcome: Result<V>) -> V {
        outcome.unwrap_or_else(|error| self.fail_with(&error.to_string(), "no failure", "a failure"))
    }

    #[track_caller]
    fn fail_with(&self, headline: &str, expected: &str, actual: &str) -> ! {
        let sides = [("expected", expected.to_owned()), ("actual", actual.to_owned())];
        fail(&self.script.report("an app", headline, &sides))
    }
}

impl<T: Register> Default for AppScenario<T> {
    fn default() -> Self {
        Self::new()
    }
}
