//! Events and commands of several types in one step, with their types forgotten.

use std::fmt::Display;

use crate::domain::{Command, Event, EventId, Name, NewEvent, Payload, RecordedEvent, Schema, Tag};
use crate::error::Result;

/// An event with its type forgotten.
#[derive(Clone, Debug)]
pub struct Fact {
    name: &'static str,
    schema: u32,
    tags: Vec<Tag>,
    json: Result<String, String>,
}

/// Events of one step: a single event, an array, a `Vec`, or a tuple of events of any types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand for events",
    label = "expected an event, an array or a `Vec` of events, or a tuple of events of any types"
)]
pub trait IntoFacts {
    /// The events in order.
    fn into_facts(self) -> Vec<Fact>;
}

impl Fact {
    fn of<E: Event>(event: &E) -> Self {
        let event_type = event.event_type();
        Self {
            name: event_type.name,
            schema: event_type.schema,
            tags: event.tags(),
            json: json(|out| event.encode(out)),
        }
    }

    /// The event to append, under an id.
    pub(super) fn to_event(&self, id: EventId) -> Result<NewEvent, String> {
        let payload = Payload::from_encoded(self.json.clone()?);
        let event = NewEvent::new(self.name, payload);
        Ok(NewEvent { id, schema: Schema::Number(self.schema), tags: self.tags.clone(), ..event })
    }

    /// The event as a line.
    pub(super) fn text(&self) -> String {
        line(self.name, &self.json)
    }
}

/// A recorded event as the line of its [`Fact`].
pub(super) fn recorded_text(event: &RecordedEvent) -> String {
    format!("{} {}", event.event_type, String::from_utf8_lossy(event.payload.as_bytes()))
}

impl<E: Event> IntoFacts for E {
    fn into_facts(self) -> Vec<Fact> {
        vec![Fact::of(&self)]
    }
}

impl<E: Event> IntoFacts for Vec<E> {
    fn into_facts(self) -> Vec<Fact> {
        self.iter().map(Fact::of).collect()
    }
}

impl<E: Event, const N: usize> IntoFacts for [E; N] {
    fn into_facts(self) -> Vec<Fact> {
        self.iter().map(Fact::of).collect()
    }
}

/// A command that is expected to have been sent, with its type forgotten.
#[derive(Clone, Debug)]
pub struct ExpectedCommand {
    target: Option<String>,
    name: &'static str,
    json: Result<String, String>,
}

/// A command that is expected to have been sent: the command, or `(target, command)` where it matters to whom.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand for a command that is sent",
    label = "expected a command, or `(target, command)`"
)]
pub trait IntoExpected {
    /// What is expected.
    fn into_expected(self) -> ExpectedCommand;
}

/// Commands that are expected to have been sent: a single one, an array, a `Vec`, or a tuple of commands of any types, each
/// of them as it is or as `(target, command)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand for commands that are sent",
    label = "expected a command or `(target, command)`, or a tuple, an array or a `Vec` of these"
)]
pub trait IntoSent {
    /// What is expected, in order.
    fn into_sent(self) -> Vec<ExpectedCommand>;
}

impl ExpectedCommand {
    /// The command as a line, with its target where that matters.
    pub(super) fn text(&self) -> String {
        sent_text(
            self.target.as_deref(),
            self.name,
            self.json.as_ref().map_or_else(String::as_str, String::as_str),
        )
    }

    /// What decides its place where the order does not matter.
    pub(super) fn rank(&self) -> (String, Option<String>) {
        (line(self.name, &self.json), self.target.clone())
    }

    /// Whether it matters to whom it was sent.
    pub(super) fn has_target(&self) -> bool {
        self.target.is_some()
    }
}

/// A command that was sent, as a line.
pub(super) fn sent_text(target: Option<&str>, name: &str, json: &str) -> String {
    match target {
        Some(target) => format!("to {target}: {name} {json}"),
        None => format!("{name} {json}"),
    }
}

impl<C: Command> IntoExpected for C {
    fn into_expected(self) -> ExpectedCommand {
        ExpectedCommand { target: None, name: self.command_type().name, json: json(|out| self.encode(out)) }
    }
}

impl<C: Command> IntoExpected for (&str, C) {
    fn into_expected(self) -> ExpectedCommand {
        ExpectedCommand { target: Some(self.0.to_owned()), ..self.1.into_expected() }
    }
}

impl<C: Command> IntoExpected for (String, C) {
    fn into_expected(self) -> ExpectedCommand {
        ExpectedCommand { target: Some(self.0), ..self.1.into_expected() }
    }
}

impl<C: Command> IntoSent for C {
    fn into_sent(self) -> Vec<ExpectedCommand> {
        vec![self.into_expected()]
    }
}

impl<C: IntoExpected> IntoSent for Vec<C> {
    fn into_sent(self) -> Vec<ExpectedCommand> {
        self.into_iter().map(IntoExpected::into_expected).collect()
    }
}

impl<C: IntoExpected, const N: usize> IntoSent for [C; N] {
    fn into_sent(self) -> Vec<ExpectedCommand> {
        self.into_iter().map(IntoExpected::into_expected).collect()
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Event),+> IntoFacts for ($($name,)+) {
            fn into_facts(self) -> Vec<Fact> {
                #[allow(non_snake_case, reason = "each value is named as its type")]
                let ($($name,)+) = self;
                vec![$(Fact::of(&$name)),+]
            }
        }

        impl<$($name: IntoExpected),+> IntoSent for ($($name,)+) {
            fn into_sent(self) -> Vec<ExpectedCommand> {
                #[allow(non_snake_case, reason = "each value is named as its type")]
                let ($($name,)+) = self;
                vec![$($name.into_expected()),+]
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);

fn json(encode: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) -> Result<String, String> {
    let mut out = Vec::new();
    encode(&mut out).map_err(|error| error.to_string())?;
    String::from_utf8(out).map_err(|error| error.to_string())
}

fn line(name: impl Display, json: &Result<String, String>) -> String {
    match json {
        Ok(json) => format!("{name} {json}"),
        Err(error) => format!("{name} (no JSON form: {error})"),
    }
}

/// The name of an event for messages about it.
impl From<&Fact> for Name {
    fn from(fact: &Fact) -> Self {
        Self::from_static(fact.name)
    }
}
