//! What is expected of an app.

use super::AppScenario;
use crate::domain::{RecordedEvent, Rejection};
use crate::projection::Projection;
use crate::registry::Register;
use crate::saga::survey;
use crate::testkit::facts::{ExpectedCommand, Fact, IntoFacts, IntoSent, recorded_text, sent_text};
use crate::testkit::projection::Sighted;

/// A command that a saga sent.
pub(super) struct Sent {
    pub(super) id: String,
    target: String,
    name: String,
    json: String,
}

impl<T: Register> AppScenario<T> {
    /// Expects that these events came of the present step, whoever recorded them and in whatever order: one, an array, a
    /// `Vec`, or a tuple of events of any types. That there are no others says [`then_nothing_more`](Self::then_nothing_more).
    ///
    /// # Panics
    /// Where one of them did not happen.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_events(mut self, events: impl IntoFacts) -> Self {
        let events = events.into_facts();
        self.must_be_accepted(&events.iter().map(Fact::text).collect::<Vec<_>>());
        for event in events {
            let (text, left) = (event.text(), self.unexpected());
            match left.iter().find(|event| recorded_text(event) == text) {
                Some(found) => self.expected.insert(found.order_id),
                None => self.fail_with("an event is missing", &text, &listed(left.iter().map(recorded_text))),
            };
            self.script.line("then", &text);
        }
        self
    }

    /// Expects that no other events came of the present step than those that were expected.
    ///
    /// # Panics
    /// Where there are more.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_nothing_more(mut self) -> Self {
        let left = self.unexpected();
        if !left.is_empty() {
            self.fail_with("there are more events", "nothing", &listed(left.iter().map(recorded_text)));
        }
        self
    }

    /// Expects that sagas sent these commands in the present step, in whatever order, whatever came of them: one, an array,
    /// a `Vec` or a tuple, each as it is or as `(target, command)`.
    ///
    /// # Panics
    /// Where one of them was not sent.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_sent(mut self, commands: impl IntoSent) -> Self {
        for command in commands.into_sent() {
            let (log, text) = (self.log(), command.text());
            let left: Vec<_> =
                self.commands_of(&log).into_iter().filter(|sent| !self.sent.contains(&sent.id)).collect();
            match left.iter().find(|sent| sent.text(command.has_target()) == text) {
                Some(found) => self.sent.insert(found.id.clone()),
                None => self.missing(&command, &left),
            };
            self.script.line("then", &format!("sent: {text}"));
        }
        self
    }

    /// Expects that the command of the present step was rejected so.
    ///
    /// # Panics
    /// Where it was accepted, or rejected otherwise.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "expectations are written in place")]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_rejected<R: Rejection + PartialEq>(self, rejection: R) -> Self {
        match &self.rejection {
            Some(actual) if actual.downcast_ref() == Some(&rejection) => self,
            Some(actual) => {
                let actual = format!("rejected: {actual:?}");
                self.fail_with(
                    "another rejection than expected",
                    &format!("rejected: {rejection:?}"),
                    &actual,
                )
            }
            None => self.fail_with(
                "accepted, but a rejection was expected",
                &format!("rejected: {rejection:?}"),
                "accepted",
            ),
        }
    }

    /// Expects that the command of the present step was accepted.
    ///
    /// # Panics
    /// Where it was rejected.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_accepted(self) -> Self {
        self.must_be_accepted(&["accepted".to_owned()]);
        self
    }

    /// Hands what a projection shows to assertions of the test's own: its value where it is in memory, a connection that
    /// cannot write where it is in SQLite.
    ///
    /// # Panics
    /// Where the app has no such projection.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_view<P: Projection>(
        mut self,
        assertions: impl FnOnce(&<P::Context<'static> as Sighted<P>>::Sight),
    ) -> Self
    where
        P::Context<'static>: Sighted<P>,
    {
        let outcome = self.stage().and_then(|stage| {
            let app = stage.app()?.clone();
            let place = stage.ask(async move || <P::Context<'static>>::place(app).await)?;
            <P::Context<'static>>::show(place, assertions)
        });
        self.must(outcome);
        self
    }

    #[track_caller]
    fn must_be_accepted(&self, expected: &[String]) {
        if let Some(rejection) = &self.rejection {
            let actual = format!("rejected: {rejection:?}");
            self.fail_with(
                "rejected, but something else was expected",
                &listed(expected.iter().cloned()),
                &actual,
            );
        }
    }

    /// The events of the present step that were not expected yet.
    #[track_caller]
    fn unexpected(&mut self) -> Vec<RecordedEvent> {
        let mut log = self.log();
        log.retain(|event| {
            let is_new = event.order_id > self.before && !self.expected.contains(&event.order_id);
            is_new && !event.stream.is_system()
        });
        log
    }

    #[track_caller]
    pub(super) fn log(&mut self) -> Vec<RecordedEvent> {
        let outcome = self.stage().and_then(|stage| stage.log());
        self.must(outcome)
    }

    /// Every command that a saga sent, and knows the outcome of.
    #[track_caller]
    pub(super) fn commands_of(&self, log: &[RecordedEvent]) -> Vec<Sent> {
        let instances = self.must(survey(log)).into_values();
        let settled = instances.flat_map(|instance| instance.commands).filter(|(_, result)| result.is_some());
        let sent = settled.map(|(command, _)| Sent {
            id: command.id,
            target: command.target,
            name: command.name,
            json: command.payload.as_str().to_owned(),
        });
        sent.collect()
    }

    #[track_caller]
    fn missing(&self, command: &ExpectedCommand, left: &[Sent]) -> ! {
        let actual = listed(left.iter().map(|sent| sent.text(command.has_target())));
        self.fail_with("no saga sent this command", &command.text(), &actual)
    }
}

impl Sent {
    fn text(&self, with_target: bool) -> String {
        sent_text(with_target.then_some(&*self.target), &self.name, &self.json)
    }
}

pub(super) fn listed(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}
