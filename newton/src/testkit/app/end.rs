//! The state of an app at the end of a scenario, as text by which two runs are compared.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::domain::RecordedEvent;
use crate::error::Result;
use crate::saga::survey;
use crate::testkit::facts::recorded_text;

/// Every event by its stream, and every saga instance: its state, its end, its commands and its timers. Neither times nor
/// order ids are there, for these may differ.
pub(super) fn text(log: &[RecordedEvent]) -> Result<String> {
    let mut streams: BTreeMap<&str, Vec<&RecordedEvent>> = BTreeMap::new();
    for event in log.iter().filter(|event| !event.stream.is_system()) {
        streams.entry(event.stream.as_str()).or_default().push(event);
    }
    let mut text = String::new();
    for (stream, events) in streams {
        for event in events {
            let _ = writeln!(text, "{stream} {}: {}, id {}", event.version, recorded_text(event), event.id);
        }
    }
    for (stream, instance) in survey(log)? {
        let _ = writeln!(text, "{stream}: {:?}, state {}", instance.status, instance.state);
        for (command, result) in &instance.commands {
            let _ = writeln!(text, "{stream}: command {} {}, {result:?}", command.name, command.id);
        }
        for (timer, _) in &instance.timers {
            let _ = writeln!(text, "{stream}: timer {timer}");
        }
        let _ = writeln!(text, "{stream}: {} unsettled", instance.unsettled);
    }
    Ok(text)
}
