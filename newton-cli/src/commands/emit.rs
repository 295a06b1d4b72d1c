//! `newton emit`: stores events.

use newton::Timestamp;
use newton::muon::RemoteService;
use newton::muon::protocol::event::{self, Processed};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::check_json;
use crate::cli::Emit;
use crate::exit::{Outcome, Trouble};
use crate::session::Session;
use crate::table::Table;

const COLUMNS: [(&str, usize); 5] =
    [("ORDER", 8), ("TIME (UTC)", 19), ("STREAM", 24), ("TYPE", 24), ("ID", 36)];

/// What an event is from that does not say so.
const WRITER: &str = "newton-cli";

/// A stored event as `--json` writes it, in the words of a replay.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Stored<'a> {
    id: &'a str,
    order_id: u64,
    event_time: i64,
    stream_name: &'a str,
    event_type: &'a str,
}

/// What a replay calls otherwise than an emit.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FromReplay {
    #[serde(default)]
    caused_by_id: Option<Value>,
}

/// Stores the event, or those of standard input, one after the other.
///
/// # Errors
/// Where the event store is not found, or does not take an event; the events before that one are stored.
pub async fn run(emit: Emit, session: &mut Session<'_, '_>) -> Outcome {
    if let Some(payload) = &emit.payload {
        check_json("PAYLOAD", payload)?;
    }
    let store = session.event_store(emit.service.as_deref()).await?;
    let table = Table::of_columns(&COLUMNS, session.output.width());
    if !session.output.is_json() {
        session.output.titles(&table)?;
    }
    if let Some(payload) = &emit.payload {
        return store_one(read(&emit, payload)?, &store, &table, session).await;
    }
    let mut number = 0_u64;
    while let Some(line) = session.line().await? {
        number += 1;
        if line.trim().is_empty() {
            continue;
        }
        let stored = async { store_one(read(&emit, &line)?, &store, &table, session).await };
        stored.await.map_err(|trouble| on_line(trouble, number))?;
        session.output.flush()?;
    }
    Ok(())
}

/// The event of a payload; without a type the text is a whole event.
fn read(emit: &Emit, text: &str) -> Result<event::Emit, Trouble> {
    let no_event =
        |error: serde_json::Error| Trouble::usage(format!("this is no event in JSON: {error}: {text}"));
    let mut event = match (&emit.stream, &emit.event_type) {
        (Some(stream), Some(event_type)) => event::Emit::new(stream, event_type, text).map_err(no_event)?,
        _ => {
            let mut event: event::Emit = serde_json::from_str(text).map_err(no_event)?;
            let replayed: FromReplay = serde_json::from_str(text).map_err(no_event)?;
            event.caused_by = event.caused_by.or(replayed.caused_by_id);
            event
        }
    };
    event.id = emit.id.clone().or(event.id).or_else(|| Some(Uuid::new_v4().to_string()));
    event.service_id = event.service_id.or_else(|| Some(WRITER.to_owned()));
    event.schema = emit.schema.clone().map(Value::from).or(event.schema);
    event.caused_by = emit.caused_by.clone().map(Value::from).or(event.caused_by);
    Ok(event)
}

async fn store_one(
    mut event: event::Emit,
    store: &RemoteService,
    table: &Table,
    session: &mut Session<'_, '_>,
) -> Outcome {
    event.token.clone_from(&session.token);
    let id = event.id.clone().unwrap_or_default();
    let processed = async {
        event::emit(store.channel(event::PROTOCOL).await?, &event, session.muon.timings().rpc).await
    };
    let processed = processed.await.map_err(|error| {
        let Trouble { exit, message } = error.into();
        Trouble::new(exit, format!("{message}\nemit the event again under its id, which is {id}"))
    })?;
    let (order_id, event_time) = match processed {
        Processed::Persisted { order_id, event_time } => (order_id, event_time),
        Processed::Failed { cause } => return Err(Trouble::refused(format!("not stored: {cause}"))),
    };
    let (stream_name, event_type) = (&*event.stream_name, &*event.event_type);
    if session.output.is_json() {
        let stored = Stored { id: &id, order_id, event_time, stream_name, event_type };
        return session.output.json(&stored);
    }
    let cells =
        [&*order_id.to_string(), &*time_of(event_time), stream_name, event_type, &*id].map(str::to_owned);
    session.output.row(table, &cells)
}

/// A time in milliseconds since the Unix epoch, for people.
pub(super) fn time_of(milliseconds: i64) -> String {
    let time = Timestamp::from_timestamp_millis(milliseconds);
    time.map_or_else(String::new, |time| time.format("%F %T").to_string())
}

fn on_line(trouble: Trouble, number: u64) -> Trouble {
    if trouble.message.is_empty() {
        return trouble;
    }
    let before = if number == 1 { "" } else { "\nthe lines before it are stored" };
    let message = format!("line {number}: {}{before}", trouble.message);
    Trouble { message, ..trouble }
}
