//! One run of a saga's script, from the first event to the present.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::outside::{Outside, Rule, Sent};
use crate::domain::{Clock, CorrelationId, ExpectedVersion, Metadata, NewEvent, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::{ReactionEntry, Registry};
use crate::saga::{Saga, Surveyed, domain_of, survey};
use crate::store::Append;
use crate::testkit::Faults;
use crate::testkit::facts::Fact;
use crate::testkit::stage::{Place, Stage};

/// A step of a script.
#[derive(Clone)]
pub(super) enum Step {
    Event(Fact),
    After(Duration),
    Rule(Rule),
}

/// One run of a script.
pub(super) struct World<S> {
    pub(super) stage: Stage,
    pub(super) outside: Outside,
    events: u128,
    saga: PhantomData<fn() -> S>,
}

/// All that came of a script.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Effects {
    pub(super) sent: Vec<Sent>,
    pub(super) instances: BTreeMap<String, Surveyed>,
    pub(super) parked: Vec<String>,
}

/// The stream of all events of a script.
const STREAM: &str = "scenario/Events/1";

impl<S: Saga> World<S> {
    pub(super) fn new(place: Place, faults: Faults) -> Result<Self> {
        let outside = Outside::default();
        let seen = outside.clone();
        let recipe = Arc::new(move |builder: crate::app::Builder, faults: &Faults| {
            let mut registry = Registry::empty();
            registry.add_reaction(ReactionEntry::saga::<S>());
            builder.registry(registry).dispatch(seen.seen_with(faults))
        });
        let mut stage = Stage::new(recipe, place, faults)?;
        stage.settle()?;
        Ok(Self { stage, outside, events: 0, saga: PhantomData })
    }

    /// Takes a step, and waits until all has come of it that comes of it now.
    pub(super) fn play(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Rule(rule) => {
                self.outside.rule(rule.clone());
                Ok(())
            }
            Step::After(duration) => self.stage.after(*duration),
            Step::Event(fact) => {
                self.events += 1;
                let id = Uuid::from_u128(self.events).into();
                let event = fact.to_event(id).map_err(|error| {
                    let message = format!("`{}` has no JSON form", fact.text());
                    Error::new(ErrorKind::InvalidInput, "encode event", message).caused_by(error)
                })?;
                let metadata =
                    Metadata { correlation_id: Some(CorrelationId::from("scenario")), ..Metadata::default() };
                let event = NewEvent { metadata: metadata.into(), ..event };
                let stream = StreamName::parse(STREAM)?;
                let now = self.stage.clock.now();
                self.stage.append(Append::to(stream, ExpectedVersion::Any, vec![event], now))?;
                self.stage.settle()
            }
        }
    }

    pub(super) fn effects(&mut self) -> Result<Effects> {
        let domain = domain_of::<S>()?;
        let all = survey(&self.stage.log()?)?.into_iter();
        let own = all.filter(|(stream, _)| stream.domain() == Some(domain.as_str()));
        let instances = own.map(|(_, instance)| (instance.key.clone(), instance)).collect();
        Ok(Effects { sent: self.outside.sent(), instances, parked: self.parked()? })
    }

    /// What could not be handled, and why.
    fn parked(&mut self) -> Result<Vec<String>> {
        let app = self.stage.app()?.clone();
        let parked = self.stage.ask(async move || app.parked_of::<S>().await)?;
        let cause = |key: crate::subscription::ParkedKey| {
            let cause = key.events.iter().find_map(|event| event.cause.clone()).unwrap_or_default();
            format!("{}: {cause}", key.key)
        };
        Ok(parked.into_iter().map(cause).collect())
    }
}

impl Effects {
    /// All of it as text, one thing on each line.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut sent: Vec<_> = self.sent.iter().collect();
        if self.instances.len() > 1 {
            // Those of different instances are sent side by side.
            sent.sort_by_key(|sent| (&sent.target, &sent.id));
        }
        for Sent { id, target, name, json } in sent {
            let _ = writeln!(text, "sent {name} {json} to {target}, command id {id}");
        }
        for instance in self.instances.values() {
            let Surveyed { key, status, state, timers, commands, .. } = instance;
            let _ = writeln!(text, "instance {key}: {status:?}, state {state}");
            for (name, due) in timers {
                let _ = writeln!(text, "instance {key}: timer {name}, due {due}");
            }
            for (command, result) in commands {
                let _ = writeln!(text, "instance {key}: command {}, {result:?}", command.id);
            }
        }
        for parked in &self.parked {
            let _ = writeln!(text, "parked {parked}");
        }
        text
    }
}
