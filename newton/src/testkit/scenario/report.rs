//! What a failing scenario prints: what was given, what was done, and how the outcome differs.

use std::fmt::{Debug, Write};

use similar::{ChangeTag, TextDiff};

use super::check::Violation;
use crate::domain::{Command, Rejection};

/// The steps of a scenario so far, as lines of text.
#[derive(Clone, Debug, Default)]
pub(in crate::testkit) struct Script(String);

impl Script {
    pub(in crate::testkit) fn given<E: Debug>(&mut self, event: &E) {
        self.line("given", &format!("{event:?}"));
    }

    pub(in crate::testkit) fn given_command<C: Command>(&mut self, command: &C) {
        self.line("given", &command_text(command));
    }

    pub(in crate::testkit) fn when<C: Command>(&mut self, command: &C) {
        self.line("when", &command_text(command));
    }

    pub(in crate::testkit) fn outcome<E: Debug, R: Rejection>(&mut self, outcome: &Result<Vec<E>, R>) {
        match outcome {
            Ok(events) if events.is_empty() => self.line("then", "nothing"),
            Ok(events) => events.iter().for_each(|event| self.line("then", &format!("{event:?}"))),
            Err(rejection) => self.line("then", &format!("rejected: {rejection:?}")),
        }
    }

    pub(in crate::testkit) fn line(&mut self, label: &str, text: &str) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.0, "  {label:<5}  {text}");
    }

    /// The whole report of a scenario of `subject`: a headline, the steps, and the two sides.
    pub(in crate::testkit) fn report(
        &self,
        subject: &str,
        headline: &str,
        sides: &[(&str, String); 2],
    ) -> String {
        let [(left, left_text), (right, right_text)] = sides;
        format!(
            "scenario of `{}`: {headline}\n\n{}\n{left}:\n{}\n{right}:\n{}\ndifference (- {left}, + {right}):\n{}",
            subject,
            self.0,
            indented(left_text),
            indented(right_text),
            difference(left_text, right_text)
        )
    }

    /// The report of a broken law.
    pub(in crate::testkit) fn violation(&self, subject: &str, violation: &Violation) -> String {
        let Violation { check, place, sides } = violation;
        let headline = format!(
            "`Check::{check:?}` failed {place}\n\n  law    {}\n  cause  usually {}\n  off    `.without(Check::{check:?})`",
            check.law(),
            check.usual_causes()
        );
        self.report(subject, &headline, sides)
    }
}

/// A command as text. Commands need no `Debug`; what is sent over the wire is shown instead.
pub(in crate::testkit) fn command_text<C: Command>(command: &C) -> String {
    let mut json = Vec::new();
    let payload = match command.encode(&mut json) {
        Ok(()) => String::from_utf8_lossy(&json).into_owned(),
        Err(error) => format!("(no JSON form: {error})"),
    };
    format!("{} {payload}", command.command_type().rust_name)
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |out, line| out + "    " + line + "\n")
}

const CONTEXT_LINES: usize = 4;

/// The lines that differ, with some lines around them.
fn difference(left: &str, right: &str) -> String {
    let diff = TextDiff::from_lines(left, right);
    let mut out = String::new();
    for (index, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if index > 0 {
            out.push_str("    ..\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let _ = writeln!(out, "  {sign} {}", change.value().trim_end_matches('\n'));
        }
    }
    out
}
