//! Scenarios of aggregates: given events, when a command, then events, a rejection or a state.
//!
//! - [`AggregateScenario`] and [`Outcome`]: the steps
//! - [`check`]: the laws that are checked on the way
//! - [`events`]: what a step accepts as its events

pub mod check;
pub mod events;
mod fold;
mod outcome;
pub(in crate::testkit) mod report;

use std::fmt::Debug;
use std::sync::Arc;

use uuid::Uuid;

pub use self::check::Check;
use self::check::Checks;
pub use self::events::IntoEvents;
use self::fold::CheckedFold;
pub use self::outcome::Outcome;
use self::report::{Script, command_text};
use crate::domain::{Aggregate, AggregateId, CommandId, Context, CorrelationId, Name, Timestamp};
use crate::testkit::VirtualClock;

/// A test of one aggregate, written as a sentence. There is no other one: what is unique over all of its kind is not
/// checked.
///
/// A step that goes wrong panics on the caller's line, with what was given, done, expected and found. On the way each
/// scenario checks the laws in [`Check`], so that every domain test also proves that its events and states can be
/// stored. All inputs are fixed unless set: the time is [`VirtualClock::START`], the id is `scenario`, command ids
/// count up, nobody is the actor.
///
/// ```
/// use newton::testkit::Scenario;
/// use newton::{Aggregate, Command, Event, Rejection};
///
/// #[derive(Event, Clone, Debug, PartialEq)]
/// enum LampEvent {
///     SwitchedOn,
/// }
///
/// #[derive(Command, Clone)]
/// enum LampCommand {
///     SwitchOn,
/// }
///
/// #[derive(Rejection, Debug, PartialEq)]
/// enum LampError {
///     AlreadyOn,
/// }
///
/// #[derive(Aggregate, Clone, Debug, Default, PartialEq)]
/// #[aggregate(context = "home")]
/// struct Lamp {
///     on: bool,
/// }
///
/// impl Lamp {
///     fn decide(&self, command: LampCommand) -> Result<LampEvent, LampError> {
///         match command {
///             LampCommand::SwitchOn if self.on => Err(LampError::AlreadyOn),
///             LampCommand::SwitchOn => Ok(LampEvent::SwitchedOn),
///         }
///     }
///
///     fn evolve(&mut self, event: &LampEvent) {
///         match event {
///             LampEvent::SwitchedOn => self.on = true,
///         }
///     }
/// }
///
/// Scenario::<Lamp>::new()
///     .when(LampCommand::SwitchOn)
///     .then(LampEvent::SwitchedOn)
///     .when(LampCommand::SwitchOn)
///     .then_rejected(LampError::AlreadyOn)
///     .then_state(Lamp { on: true });
/// ```
#[derive(Clone)]
pub struct AggregateScenario<A: Aggregate> {
    fold: CheckedFold<A>,
    checks: Checks,
    id: AggregateId,
    settings: Settings,
    commands: u64,
    /// Given and not yet folded, so that what follows `given` can still switch checks off.
    pending: Vec<Given<A>>,
    script: Script,
}

#[derive(Clone)]
enum Given<A: Aggregate> {
    Event(A::Event),
    Command(A::Command, Settings),
}

/// What commands are decided with, from where it was set.
#[derive(Clone)]
struct Settings {
    now: Timestamp,
    actor: Option<Name>,
    tenant: Option<Name>,
}

impl<A> AggregateScenario<A>
where
    A: Aggregate<Event: Debug + PartialEq> + Debug + PartialEq,
{
    /// An aggregate without events.
    #[must_use]
    pub fn new() -> Self {
        Self {
            fold: CheckedFold::new(),
            checks: Checks::default(),
            id: parse_id("scenario"),
            settings: Settings { now: VirtualClock::START, actor: None, tenant: None },
            commands: 0,
            pending: Vec::new(),
            script: Script::default(),
        }
    }

    /// An aggregate with these events: one, an array, a `Vec`, or a tuple of whatever converts into its event.
    #[must_use]
    pub fn given(events: impl IntoEvents<A::Event>) -> Self {
        Self::new().and_given(events)
    }

    /// An aggregate that has accepted these commands.
    #[must_use]
    pub fn given_commands(commands: impl IntoIterator<Item = A::Command>) -> Self {
        Self::new().and_given_commands(commands)
    }

    /// Further events, whoever caused them.
    #[must_use]
    pub fn and_given(mut self, events: impl IntoEvents<A::Event>) -> Self {
        self.pending.extend(events.into_events().into_iter().map(Given::Event));
        self
    }

    /// Further commands, each of which must be accepted.
    #[must_use]
    pub fn and_given_commands(mut self, commands: impl IntoIterator<Item = A::Command>) -> Self {
        let settings = &self.settings;
        self.pending.extend(commands.into_iter().map(|command| Given::Command(command, settings.clone())));
        self
    }

    /// Switches a check off, for the whole scenario from its first `when` on.
    #[must_use]
    pub fn without(mut self, check: Check) -> Self {
        self.checks.switch_off(check);
        self
    }

    /// The aggregate's id; `scenario` unless set.
    ///
    /// # Panics
    /// Where the text is no [`AggregateId`].
    #[must_use]
    #[track_caller]
    pub fn with_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.id = parse_id(id);
        self
    }

    /// The time at which the commands that follow are decided.
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Self {
        self.settings.now = time;
        self
    }

    /// Who asks, in the commands that follow.
    #[must_use]
    pub fn by(mut self, actor: impl Into<Name>) -> Self {
        self.settings.actor = Some(actor.into());
        self
    }

    /// On whose behalf, in the commands that follow.
    #[must_use]
    pub fn for_tenant(mut self, tenant: impl Into<Name>) -> Self {
        self.settings.tenant = Some(tenant.into());
        self
    }

    /// Decides on a command in the present state. If accepted, its events are the state's from then on.
    ///
    /// # Panics
    /// Where a given command is rejected, or one of the [checks](Check) fails.
    #[track_caller]
    pub fn when(mut self, command: A::Command) -> Outcome<A> {
        self.settle();
        self.script.when(&command);
        let settings = self.settings.clone();
        let result = self.decide(command, &settings);
        for event in result.iter().flatten() {
            self.fold(event);
        }
        Outcome { scenario: self, result }
    }

    /// Checks the state.
    ///
    /// # Panics
    /// Where it is another one.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "expectations are written in place")]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_state(mut self, expected: A) -> Self {
        self.settle();
        if self.fold.live != expected {
            let sides =
                [("expected", format!("{expected:#?}")), ("actual", format!("{:#?}", self.fold.live))];
            fail(&self.script.report(A::DOMAIN, "the state is another one", &sides));
        }
        self
    }

    /// Hands the state to assertions of the test's own.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_state_with(mut self, assertions: impl FnOnce(&A)) -> Self {
        self.settle();
        assertions(&self.fold.live);
        self
    }

    /// Folds what was given.
    #[track_caller]
    fn settle(&mut self) {
        for given in std::mem::take(&mut self.pending) {
            match given {
                Given::Event(event) => {
                    self.script.given(&event);
                    self.fold(&event);
                }
                Given::Command(command, settings) => self.accept(command, &settings),
            }
        }
    }

    #[track_caller]
    fn accept(&mut self, command: A::Command, settings: &Settings) {
        self.script.given_command(&command);
        let text = command_text(&command);
        match self.decide(command, settings) {
            Ok(events) => {
                for event in &events {
                    self.fold(event);
                }
            }
            Err(rejection) => {
                let sides = [("expected", "accepted".into()), ("actual", format!("rejected: {rejection:?}"))];
                fail(&self.script.report(
                    A::DOMAIN,
                    &format!("the given command {text} was rejected"),
                    &sides,
                ));
            }
        }
    }

    #[track_caller]
    fn decide(&mut self, command: A::Command, settings: &Settings) -> Result<Vec<A::Event>, A::Rejection> {
        self.commands += 1;
        let command_id = CommandId::from(Uuid::from_u128(self.commands.into()));
        let context = Context {
            id: &self.id,
            version: self.fold.version,
            now: settings.now,
            command_id: &command_id,
            correlation_id: &CorrelationId::from(command_id.clone()),
            actor: settings.actor.as_ref(),
            tenant: settings.tenant.as_ref(),
        };
        let decided = self.fold.decide(command, &context, &self.checks);
        decided.unwrap_or_else(|violation| fail(&self.script.violation(A::DOMAIN, &violation)))
    }

    #[track_caller]
    fn fold(&mut self, event: &A::Event) {
        if let Err(violation) = self.fold.apply(event, &self.checks) {
            fail(&self.script.violation(A::DOMAIN, &violation));
        }
    }
}

impl<A> Default for AggregateScenario<A>
where
    A: Aggregate<Event: Debug + PartialEq> + Debug + PartialEq,
{
    fn default() -> Self {
        Self::new()
    }
}

#[track_caller]
fn parse_id(id: impl Into<Arc<str>>) -> AggregateId {
    AggregateId::parse(id).unwrap_or_else(|error| fail(&error.to_string()))
}

#[track_caller]
#[expect(clippy::panic, reason = "a failing test panics")]
pub(super) fn fail(report: &str) -> ! {
    panic!("{report}")
}

#[cfg(test)]
mod tests;
