//! Records in words, for histories that people read.

use std::fmt;

use super::record::{
    Advanced, CommandOutcome, CommandResult, Ended, EndedAs, Outcomes, PlannedCommand, Record, TriggerKind,
    TriggerRecord,
};

/// On one line, such as ``event OrderPlaced: sends PaymentCharge; sets timer `overdue` ``,
/// `outcome: done, rejected (no such address)` or `compensated`.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Advanced(advanced) => advanced.fmt(f),
            Self::Outcome(outcomes) => outcomes.fmt(f),
            Self::Ended(ended) => ended.fmt(f),
        }
    }
}

/// The trigger, and what was asked for.
impl fmt::Display for Advanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trigger.fmt(f)?;
        let names = |commands: &[PlannedCommand]| list(commands, |command| command.name.clone());
        let listens = list(&self.listens, |tag| format!("{}={}", tag.key, tag.value));
        let compensates = self.trigger.kind == TriggerKind::CommandFailed && !self.recover;
        let parts = [
            ("compensates", compensates.then(String::new)),
            ("recovers", self.recover.then(String::new)),
            ("sends ", names(&self.commands)),
            ("may compensate with ", names(&self.compensations)),
            ("sets timer ", list(&self.timers_set, |timer| format!("`{}`", timer.name))),
            ("cancels timer ", list(&self.timers_cancelled, |name| format!("`{name}`"))),
            ("listens to ", listens),
            ("ends", self.end.then(String::new)),
        ];
        let parts = parts.into_iter().filter_map(|(verb, what)| Some((verb, what?)));
        for (index, (verb, what)) in parts.enumerate() {
            let mark = if index == 0 { ":" } else { ";" };
            write!(f, "{mark} {verb}{what}")?;
        }
        Ok(())
    }
}

/// Which kind it is, and which one: `event OrderPlaced`, ``timer `overdue` ``, `failed command ShipmentShip`.
impl fmt::Display for TriggerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or_default();
        match self.kind {
            TriggerKind::Event => write!(f, "event {}", self.event_type.as_deref().unwrap_or_default()),
            TriggerKind::Deadline => write!(f, "timer `{name}`"),
            TriggerKind::CommandFailed => write!(f, "failed command {name}"),
        }
    }
}

/// What came of the commands, in the order they were sent.
impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "outcome: {}", list(&self.outcomes, ToString::to_string).unwrap_or_default())
    }
}

/// What came of the command, with the reason where there is one.
impl fmt::Display for CommandOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.result {
            CommandResult::Done => "done",
            CommandResult::Rejected => "rejected",
            CommandResult::Failed => "failed",
            CommandResult::Dropped => "dropped",
        })?;
        if self.attempts > 1 {
            write!(f, " at attempt {}", self.attempts)?;
        }
        reason(self.reason.as_deref(), f)
    }
}

/// In which way, with the reason where there is one.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.status {
            EndedAs::Ended => "ended",
            EndedAs::Compensated => "compensated",
            EndedAs::Parked => "parked",
        })?;
        reason(self.reason.as_deref(), f)
    }
}

fn reason(reason: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    reason.map_or(Ok(()), |reason| write!(f, " ({reason})"))
}

/// All of them in a row, if there are any.
fn list<T>(items: &[T], told: impl Fn(&T) -> String) -> Option<String> {
    let items: Vec<String> = items.iter().map(told).collect();
    (!items.is_empty()).then(|| items.join(", "))
}
