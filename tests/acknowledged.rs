//! What a writer was told to be durable: a line of text each, for it crosses a pipe.

use std::fmt;
use std::str::FromStr;

use newton::domain::EventId;
use newton::domain::id::EventIds;
use newton::{CommandId, Receipt, StreamName};

/// One acknowledgement.
///
/// ```
/// use newton_tests::acknowledged::Acknowledged;
///
/// let line = "appended 7 bank/Account/a 3 e-1,e-2 log/Index/all ? e-3";
/// assert_eq!(line.parse::<Acknowledged>().unwrap().to_string(), line);
/// assert!("appended 7 bank/Account/a".parse::<Acknowledged>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// Events, all from one append.
    Appended {
        /// The order id of the last of them.
        order_id: u64,
        /// Where they are, stream by stream.
        parts: Vec<Part>,
    },
    /// A batch of state records, all with the same value.
    Written {
        /// Their keys.
        keys: Vec<String>,
        /// A number that rises with each batch.
        value: u64,
    },
}

/// The events of one append in one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The stream.
    pub stream: String,
    /// The version of the last of the events, if that was told.
    pub version: Option<u64>,
    /// The ids of the events.
    pub ids: Vec<String>,
}

impl Acknowledged {
    /// What the receipt of a command to one account says.
    pub fn command(receipt: &Receipt, account: &str) -> Self {
        let version = Some(receipt.version.0);
        let part = Part { version, ..Part::of_command(&receipt.command_id, account, receipt.events) };
        Self::Appended { order_id: receipt.order_id.0, parts: vec![part] }
    }

    /// What the receipt of commands to several accounts says, of which each caused one event.
    pub fn together(receipt: &Receipt, accounts: &[&str]) -> Self {
        let parts = accounts.iter().map(|account| Part::of_command(&receipt.command_id, account, 1));
        Self::Appended { order_id: receipt.order_id.0, parts: parts.collect() }
    }
}

impl Part {
    fn of_command(command: &CommandId, account: &str, events: usize) -> Self {
        let stream =
            StreamName::parse(format!("bank/Account/{account}")).expect("the account's name is valid");
        let ids = EventIds::of(command, &stream);
        let ids = (0..events).map(|index| ids.at(index).to_string()).collect();
        Self { stream: stream.to_string(), version: None, ids }
    }

    /// Events that were appended as they are.
    pub fn of_events(stream: &StreamName, version: u64, ids: &[EventId]) -> Self {
        let ids = ids.iter().map(ToString::to_string).collect();
        Self { stream: stream.to_string(), version: Some(version), ids }
    }
}

impl fmt::Display for Acknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appended { order_id, parts } => {
                write!(f, "appended {order_id}")?;
                parts.iter().try_for_each(|Part { stream, version, ids }| {
                    let version = version.map_or("?".to_owned(), |version| version.to_string());
                    write!(f, " {stream} {version} {}", ids.join(","))
                })
            }
            Self::Written { keys, value } => write!(f, "written {value} {}", keys.join(",")),
        }
    }
}

impl FromStr for Acknowledged {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number: {line}"));
        let list = |text: &str| text.split(',').map(str::to_owned).collect();
        match &words[..] {
            ["appended", order_id, parts @ ..] if !parts.is_empty() && parts.len() % 3 == 0 => {
                let part = |words: &[&str]| {
                    let version = if words[1] == "?" { None } else { Some(number(words[1])?) };
                    Ok(Part { stream: words[0].to_owned(), version, ids: list(words[2]) })
                };
                let parts = parts.chunks(3).map(part).collect::<Result<_, String>>()?;
                Ok(Self::Appended { order_id: number(order_id)?, parts })
            }
            ["written", value, keys] => Ok(Self::Written { keys: list(keys), value: number(value)? }),
            _ => Err(format!("this is no acknowledgement: {line}")),
        }
    }
}
