//! `newton replay`: the events of a stream.

use newton::muon::RemoteService;
use newton::muon::protocol::event::{self, Replayed};
use newton::muon::protocol::reactive_stream::{Item, Request};
use newton::muon::protocol::rpc;
use serde::Deserialize;

use super::emit::time_of;
use super::stream::{Items, text};
use crate::cli::Replay;
use crate::exit::{Outcome, Trouble};
use crate::progress::Progress;
use crate::session::Session;
use crate::table::Table;

const COLUMNS: [(&str, usize); 5] =
    [("ORDER", 10), ("TIME (UTC)", 19), ("STREAM", 24), ("TYPE", 24), ("PAYLOAD", 40)];

/// Where an event stands.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Place {
    order_id: u64,
}

/// Writes each event, as a row or as a line of JSON as it came.
///
/// # Errors
/// Where the event store is not found, or refuses or fails.
pub async fn run(replay: &Replay, session: &mut Session<'_, '_>) -> Outcome {
    let store = session.event_store(replay.service.as_deref()).await?;
    let mut request = event::replay(&replay.stream, replay.part(), replay.from);
    if let Some(token) = &session.token {
        request = request.with("token", token.as_str());
    }
    let progress = progress(replay, session, store.name()).await;
    let mut last = None;
    let outcome = write_all(&request, replay.limit, &store, session, |item| {
        last = serde_json::from_slice::<Place>(item).ok().map(|place| place.order_id).or(last);
        progress.advance(last);
    });
    let outcome = outcome.await;
    progress.finish();
    outcome.map_err(|trouble| go_on(trouble, last))
}

async fn write_all(
    request: &Request,
    limit: Option<u64>,
    store: &RemoteService,
    session: &mut Session<'_, '_>,
    mut seen: impl FnMut(&Item) + Send,
) -> Outcome {
    let mut items = Items::open(store, request, limit).await?;
    let table = Table::of_columns(&COLUMNS, session.output.width());
    if !session.output.is_json() {
        session.output.titles(&table)?;
        session.output.flush()?;
    }
    while let Some(batch) = items.next().await? {
        for item in batch {
            if session.output.is_json() {
                session.output.json_text(text(item)?)?;
            } else {
                session.output.row(&table, &cells(item)?)?;
            }
            seen(item);
        }
        session.output.flush()?;
    }
    Ok(())
}

fn cells(item: &Item) -> Result<[String; 5], Trouble> {
    let event: Replayed = serde_json::from_slice(item).map_err(|error| {
        let message = format!("the service sent what is no event, which --json shows as it is: {error}");
        Trouble::failed(message)
    })?;
    Ok([
        event.order_id.to_string(),
        time_of(event.event_time),
        event.stream_name,
        event.event_type,
        event.payload.get().to_owned(),
    ])
}

/// How far the replay is: by order id up to the last one that the store tells of, or by events where only so many are asked for.
async fn progress(replay: &Replay, session: &Session<'_, '_>, store: &str) -> Progress {
    if !session.shows_progress || replay.part() != event::Part::Cold {
        return Progress::hidden();
    }
    if let Some(limit) = replay.limit {
        return Progress::by_count(limit);
    }
    match head(session, store).await {
        Some(head) => Progress::by_order_id(replay.from, head),
        None => Progress::unknown(),
    }
}

/// The order id of the store's last event, if it tells.
async fn head(session: &Session<'_, '_>, store: &str) -> Option<u64> {
    let request = rpc::Request::new(store, "/stats");
    let request = match &session.token {
        Some(token) => request.with_auth(token.as_str()),
        None => request,
    };
    let answer = session.muon.service(store).await.ok()?.rpc(&request).await.ok()?;
    Some(answer.parse::<Place>().ok()?.order_id)
}

/// Says where a replay that broke off can go on.
fn go_on(trouble: Trouble, last: Option<u64>) -> Trouble {
    match last {
        Some(last) if !trouble.message.is_empty() => {
            let message = format!(
                "{}\nthe last event was {last}; go on with --from {}",
                trouble.message,
                last.saturating_add(1)
            );
            Trouble { message, ..trouble }
        }
        _ => trouble,
    }
}
