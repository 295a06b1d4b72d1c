//! What stands in a graph: events, commands, dispatches and timers.

use std::fmt;
use std::sync::Arc;

use chrono::SecondsFormat;

use crate::domain::{
    CommandId, EventId, Metadata, Name, OrderId, RecordedEvent, StreamName, Timestamp, Version,
};

/// What a node is known by in its graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NodeId {
    /// An event, missing or not.
    Event(EventId),
    /// A command, rejected or not.
    Command(CommandId),
    /// The sending of a command by a saga.
    Dispatch(CommandId),
    /// The setting of a timer.
    TimerSet {
        /// The record that set it.
        by: EventId,
        /// The timer.
        name: Name,
    },
    /// The end of a timer's time.
    TimerFired {
        /// The record of what followed.
        by: EventId,
    },
    /// The calling off of a timer.
    TimerCancelled {
        /// The record that called it off.
        by: EventId,
        /// The timer.
        name: Name,
    },
}

/// Something that was a cause or an effect.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Node {
    /// An event.
    Event(EventNode),
    /// A cause that is not among the events of which the graph was made.
    MissingEvent {
        /// Its id.
        id: EventId,
    },
    /// A command that took effect, or of which nothing else is known.
    Command(CommandNode),
    /// A command to which the aggregate said no: of a saga, or of anybody where the app
    /// [records rejections](crate::app::Builder::record_rejections).
    RejectedCommand {
        /// The command.
        command: CommandNode,
        /// The rejection as text.
        reason: Option<String>,
    },
    /// The sending of a command by a saga, with all its attempts.
    Dispatch(DispatchNode),
    /// A saga set a timer.
    TimerSet(TimerNode),
    /// A timer ran out.
    TimerFired(TimerNode),
    /// A saga called a timer off.
    TimerCancelled(TimerNode),
}

/// An event: all but its payload, which is nobody's business here.
#[derive(Clone, Debug, PartialEq)]
pub struct EventNode {
    /// Its id.
    pub id: EventId,
    /// Its type's stable name.
    pub event_type: Name,
    /// Its stream.
    pub stream: StreamName,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the store.
    pub order_id: OrderId,
    /// When it was recorded.
    pub time: Timestamp,
    /// Who, for whom, why.
    pub metadata: Arc<Metadata>,
    /// What the record of a saga's end says: `ended`, `compensated`, or `parked` and why.
    pub detail: Option<String>,
}

/// A command. Of one that took effect and was no saga's the name is not recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandNode {
    /// Its id.
    pub id: CommandId,
    /// Its stable name.
    pub name: Option<Name>,
    /// The stream of the aggregate it went to; of several, the first.
    pub target: Option<Name>,
}

/// The sending of a command by a saga.
#[derive(Clone, Debug, PartialEq)]
pub struct DispatchNode {
    /// The command that was sent.
    pub command_id: CommandId,
    /// How often it was tried; `None` while no outcome is recorded.
    pub attempts: Option<u32>,
    /// What came of it.
    pub result: DispatchResult,
    /// Why it was rejected or failed, as text.
    pub reason: Option<String>,
}

/// What came of a command that a saga sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DispatchResult {
    /// Nothing is recorded yet.
    Pending,
    /// It took effect.
    Done,
    /// The aggregate said no.
    Rejected,
    /// It failed for good.
    Failed,
    /// Somebody gave it up by hand.
    Dropped,
}

/// A timer that was set, ran out, or was called off.
#[derive(Clone, Debug, PartialEq)]
pub struct TimerNode {
    /// What it is called.
    pub name: Name,
    /// The record that set it, called it off, or followed from it.
    pub by: EventId,
    /// When it was to run out, as far as that is known.
    pub due: Option<Timestamp>,
}

impl From<EventId> for NodeId {
    fn from(id: EventId) -> Self {
        Self::Event(id)
    }
}

impl From<CommandId> for NodeId {
    fn from(id: CommandId) -> Self {
        Self::Command(id)
    }
}

impl From<&RecordedEvent> for EventNode {
    fn from(event: &RecordedEvent) -> Self {
        Self {
            id: event.id.clone(),
            event_type: event.event_type.clone(),
            stream: event.stream.clone(),
            version: event.version,
            order_id: event.order_id,
            time: event.time,
            metadata: event.metadata.clone(),
            detail: None,
        }
    }
}

impl Node {
    /// What it is known by.
    pub fn id(&self) -> NodeId {
        match self {
            Self::Event(event) => NodeId::Event(event.id.clone()),
            Self::MissingEvent { id } => NodeId::Event(id.clone()),
            Self::Command(command) | Self::RejectedCommand { command, .. } => {
                NodeId::Command(command.id.clone())
            }
            Self::Dispatch(dispatch) => NodeId::Dispatch(dispatch.command_id.clone()),
            Self::TimerSet(timer) => NodeId::TimerSet { by: timer.by.clone(), name: timer.name.clone() },
            Self::TimerFired(timer) => NodeId::TimerFired { by: timer.by.clone() },
            Self::TimerCancelled(timer) => {
                NodeId::TimerCancelled { by: timer.by.clone(), name: timer.name.clone() }
            }
        }
    }

    /// The event, if it is one.
    pub fn event(&self) -> Option<&EventNode> {
        if let Self::Event(event) = self { Some(event) } else { None }
    }

    /// What a reader is shown of it: one line or several, the most telling first. Long texts are shortened.
    pub(super) fn lines(&self) -> Vec<String> {
        let lines = match self {
            Self::Event(event) => {
                let place = format!("{} at version {}", event.stream, event.version);
                [Some(event.event_type.to_string()), Some(place), event.detail.clone()]
            }
            Self::MissingEvent { id } => [Some("missing event".into()), Some(id.to_string()), None],
            Self::Command(command) => command.lines("command", None),
            Self::RejectedCommand { command, reason } => command.lines("rejected command", reason.clone()),
            Self::Dispatch(dispatch) => [Some(dispatch.line()), dispatch.reason.clone(), None],
            Self::TimerSet(timer) => timer.lines("set"),
            Self::TimerFired(timer) => timer.lines("fired"),
            Self::TimerCancelled(timer) => timer.lines("cancelled"),
        };
        lines.into_iter().flatten().map(shortened).collect()
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines().join(", ");
        f.write_str(&lines.replace(char::is_control, " "))
    }
}

impl CommandNode {
    fn lines(&self, kind: &str, reason: Option<String>) -> [Option<String>; 3] {
        let title =
            self.name.as_ref().map_or_else(|| format!("{kind} {}", self.id), |name| format!("{kind} {name}"));
        [Some(title), self.target.as_ref().map(|target| format!("to {target}")), reason]
    }
}

impl DispatchNode {
    fn line(&self) -> String {
        match self.attempts {
            None => format!("dispatch, {}", self.result.name()),
            Some(1) => format!("dispatch, {} at the first attempt", self.result.name()),
            Some(attempts) => format!("dispatch, {} after {attempts} attempts", self.result.name()),
        }
    }
}

impl DispatchResult {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

impl TimerNode {
    fn lines(&self, what: &str) -> [Option<String>; 3] {
        let due = self.due.map(|due| format!("due {}", time_text(due)));
        [Some(format!("timer {what}: {}", self.name)), due, None]
    }
}

pub(super) fn time_text(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The longest line of a label, in characters.
const LINE: usize = 120;

fn shortened(line: String) -> String {
    match line.char_indices().nth(LINE) {
        Some((end, _)) => line[..end].to_owned() + "..",
        None => line,
    }
}
