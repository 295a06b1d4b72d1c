//! A saga that does what events tell it to, and an aggregate whose effects can be counted.
#![allow(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "the shapes of `decide` and `evolve` are given"
)]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use newton::prelude::*;
use newton::saga::{SagaInstance, SagaRecord, SagaStatus};
use newton::testkit::VirtualClock;
use newton::{App, Caller};
use newton_tests::Given;

/// What an instance is told, in words: see [`Script::perform`].
#[derive(Event, Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Begin {
        #[tag]
        script: Option<String>,
        what: String,
    },
    Go {
        #[tag]
        script: Option<String>,
        #[tag]
        topic: Option<String>,
        what: String,
    },
}

#[derive(Command, Clone, Debug)]
pub(crate) enum TellerCommand {
    Begin { script: Option<String>, what: String },
    Go { script: Option<String>, topic: Option<String>, what: String },
}

#[derive(Rejection, Debug, PartialEq)]
pub(crate) enum TellerError {
    Never,
}

/// Where the words come from.
#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "script", event = Told)]
pub(crate) struct Teller;

impl Teller {
    fn decide(&self, command: TellerCommand) -> Result<Told, TellerError> {
        Ok(match command {
            TellerCommand::Begin { script, what } => Told::Begin { script, what },
            TellerCommand::Go { script, topic, what } => Told::Go { script, topic, what },
        })
    }

    fn evolve(&mut self, _: &Told) {}
}

#[derive(Event, Clone, Debug, PartialEq)]
pub(crate) enum TillEvent {
    Added { by: u64 },
}

#[derive(Command, Clone, Debug, PartialEq)]
pub(crate) enum TillCommand {
    Add { by: u64 },
    Refuse { by: u64 },
    Panic { by: u64 },
}

#[derive(Rejection, Debug, PartialEq)]
pub(crate) enum TillError {
    No { by: u64 },
}

/// What commands add to.
#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "script")]
pub(crate) struct Till {
    pub added: Vec<u64>,
}

impl Till {
    fn decide(&self, command: TillCommand) -> Result<TillEvent, TillError> {
        match command {
            TillCommand::Add { by } => Ok(TillEvent::Added { by }),
            // Until somebody has added as much by hand.
            TillCommand::Refuse { by } if self.added.contains(&(by + 1_000)) => Ok(TillEvent::Added { by }),
            TillCommand::Refuse { by } => Err(TillError::No { by }),
            TillCommand::Panic { by } => panic!("asked to panic with {by}"),
        }
    }

    fn evolve(&mut self, event: &TillEvent) {
        let TillEvent::Added { by } = event;
        self.added.push(*by);
    }
}

/// Does what it is told, and remembers it.
#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(context = "script", key = "script", starts_on(Told::Begin), handles(Told, Deadline, CommandFailed))]
pub(crate) struct Script {
    pub log: Vec<String>,
    pub on_deadline: String,
    pub on_failure: String,
    pub broken: bool,
}

impl Script {
    /// Lines of instructions, separated by `;`.
    fn perform(&mut self, what: &str, flow: &mut Flow) -> Result<()> {
        for line in what.split(';').map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            match words[..] {
                ["add", till, by] => flow.send(till, TillCommand::Add { by: by.parse()? }),
                ["refuse", till, by] => flow.send(till, TillCommand::Refuse { by: by.parse()? }),
                ["panicking", till, by] => flow.send(till, TillCommand::Panic { by: by.parse()? }),
                ["undo", till, by] => flow.compensate(till, TillCommand::Add { by: by.parse()? }),
                ["undo-refused", till, by] => flow.compensate(till, TillCommand::Refuse { by: by.parse()? }),
                ["after", seconds, name] => flow.after(Duration::from_secs(seconds.parse()?), name),
                ["cancel", name] => flow.cancel(name),
                ["listen", topic] => flow.listen("topic", topic),
                ["on-deadline", ..] => self.on_deadline = line["on-deadline ".len()..].replace(',', ";"),
                ["on-failure", ..] => self.on_failure = line["on-failure ".len()..].replace(',', ";"),
                ["recover"] => flow.recover(),
                ["end"] => flow.end(),
                ["fail"] => return Err(newton::HandlerError::new("told to fail")),
                ["fail-until-mended"] => {
                    if !MENDED.load(SeqCst) {
                        return Err(newton::HandlerError::new("not mended"));
                    }
                }
                ["panic"] => panic!("told to panic"),
                ["ignore"] => {}
                _ => self.log.push(line.to_owned()),
            }
        }
        Ok(())
    }
}

/// Whether what was broken is mended: for all tests of a process, so only one of them may set it.
pub(super) static MENDED: AtomicBool = AtomicBool::new(false);

impl On<Told> for Script {
    fn on(&mut self, event: &Told, flow: &mut Flow) -> Result<()> {
        let (Told::Begin { what, .. } | Told::Go { what, .. }) = event;
        self.perform(what, flow)
    }
}

impl On<Deadline> for Script {
    fn on(&mut self, deadline: &Deadline, flow: &mut Flow) -> Result<()> {
        self.log.push(format!("{} ran out", deadline.name));
        let what = self.on_deadline.clone();
        self.perform(&what, flow)
    }
}

impl On<CommandFailed> for Script {
    fn on(&mut self, failed: &CommandFailed, flow: &mut Flow) -> Result<()> {
        let how = if failed.rejected { "rejected" } else { "failed" };
        let by = failed.command::<TillCommand>().transpose()?;
        self.log.push(format!("{how} {} {by:?}", failed.name));
        let what = self.on_failure.clone();
        self.perform(&what, flow)
    }
}

/// An app of these types, with a clock to move.
pub(crate) async fn app(given: &Given) -> (App, VirtualClock) {
    let clock = VirtualClock::new();
    (start(given, &clock).await, clock)
}

/// An app of these types with a given clock.
pub(crate) async fn start(given: &Given, clock: &VirtualClock) -> App {
    given.app().only::<(Teller, Till, Script)>().clock(clock.clone()).start().await.unwrap()
}

/// Starts an instance.
pub(crate) async fn begin(app: &App, key: &str, what: &str) {
    let command = TellerCommand::Begin { script: Some(key.to_owned()), what: what.to_owned() };
    app.with(Caller::new().correlation(format!("story of {key}"))).execute("teller", command).await.unwrap();
}

/// Tells an instance.
pub(crate) async fn tell(app: &App, key: &str, what: &str) {
    let command = TellerCommand::Go { script: Some(key.to_owned()), topic: None, what: what.to_owned() };
    app.execute("teller", command).await.unwrap();
}

/// Tells whoever listens to a topic.
pub(crate) async fn announce(app: &App, topic: &str, what: &str) {
    let command = TellerCommand::Go { script: None, topic: Some(topic.to_owned()), what: what.to_owned() };
    app.execute("teller", command).await.unwrap();
}

/// What an instance has noted down.
pub(crate) async fn log(app: &App, key: &str) -> Vec<String> {
    app.saga::<Script>(key).state().await.unwrap().map(|state| state.log).unwrap_or_default()
}

/// What was added to a till, in order.
pub(crate) async fn added(app: &App, till: &str) -> Vec<u64> {
    app.load::<Till>(till).await.unwrap().map(|till| till.state.added).unwrap_or_default()
}

/// Waits until an instance has noted so much.
pub(crate) async fn noted(app: &App, key: &str, count: usize) -> Vec<String> {
    until(async || log(app, key).await.len() >= count).await;
    log(app, key).await
}

/// Waits until all events up to now were routed: an instance of its own takes in a last one.
pub(crate) async fn routed(app: &App) {
    let key = format!("fence-{}", newton::EventId::generate());
    begin(app, &key, "passed").await;
    noted(app, &key, 1).await;
    // Others of the same page may be under way; the saga answers between two pages.
    app.sagas::<Script>().refused().await.unwrap();
}

pub(crate) async fn ended(app: &App, key: &str) -> SagaStatus {
    instance(app, key).ended(LIMIT).await.unwrap()
}

pub(crate) async fn history(app: &App, key: &str) -> Vec<SagaRecord> {
    instance(app, key).history().await.unwrap()
}

pub(crate) fn instance(app: &App, key: &str) -> SagaInstance<Script> {
    app.saga(key)
}

/// A guard against tests that hang, never a measure.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

/// Waits for a condition.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.expect("the condition comes to hold");
}
