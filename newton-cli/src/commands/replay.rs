//! `newton replay`: the events of a stream.

use newton::muon::RemoteService;
use newton::muon::protocol::event::{self, Part, Replayed};
use newton::muon::protocol::reactive_stream::{Item, Request, TOKEN};
use newton::muon::protocol::rpc;
use serde::Deserialize;

use super::emit::time_of;
use super::reconnect::{Ended, Patience};
use super::stream::{Items, text};
use crate::cli::Replay;
use crate::exit::{Outcome, Trouble};
use crate::progress::Progress;
use crate::session::Session;
use crate::table::Table;

const COLUMNS: [(&str, usize); 5] =
    [("ORDER", 8), ("TIME (UTC)", 19), ("STREAM", 24), ("TYPE", 24), ("PAYLOAD", 40)];

/// Where an event stands.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Place {
    order_id: u64,
}

/// A replay on its way.
struct Running<'a> {
    replay: &'a Replay,
    token: Option<String>,
    table: Table,
    progress: Progress,
    patience: Patience,
    /// The order id of the last event written; of a hot replay before that the last one there was at its start.
    last: Option<u64>,
}

/// Writes each event, as a row or as a line of JSON as it came. Where the connection breaks it goes on after the last one.
///
/// # Errors
/// Where the event store is not found, or refuses or fails.
pub async fn run(replay: &Replay, session: &mut Session<'_, '_>) -> Outcome {
    let store = session.event_store(replay.service.as_deref()).await?;
    let (last, progress) = match replay.part() {
        Part::Hot => (head(session, store.name()).await, Progress::hidden()),
        _ => (None, progress(replay, session, store.name()).await),
    };
    let mut running = Running {
        replay,
        token: session.token.clone(),
        table: Table::of_columns(&COLUMNS, session.output.width()),
        progress,
        patience: Patience::new(replay.reconnect),
        last,
    };
    let outcome = running.run(&store, session).await;
    running.progress.finish();
    outcome.map_err(|trouble| running.go_on(trouble))
}

impl Running<'_> {
    async fn run(&mut self, store: &RemoteService, session: &mut Session<'_, '_>) -> Outcome {
        let begin = self.request(self.replay.part(), self.replay.from);
        let mut items = Items::open(store, &begin, self.replay.limit.unwrap_or(u64::MAX)).await?;
        if !session.output.is_json() {
            session.output.titles(&self.table)?;
            session.output.flush()?;
        }
        while let Err(ended) = self.write_all(&mut items, session).await {
            let rest = self.rest();
            let note = |text: &str| self.progress.note(text);
            items = items.again(store, &rest, session, (ended, &mut self.patience), note).await?;
            self.progress.note("connected again, going on");
        }
        if self.last.is_none() && !session.output.is_json() {
            self.progress.note("there are no such events");
        }
        Ok(())
    }

    async fn write_all(&mut self, items: &mut Items, session: &mut Session<'_, '_>) -> Result<(), Ended> {
        while let Some(batch) = items.next().await? {
            for item in batch {
                if session.output.is_json() {
                    session.output.json_text(text(item)?)?;
                } else {
                    session.output.row(&self.table, &cells(item)?)?;
                }
                self.wrote(item);
            }
            session.output.flush()?;
            self.patience.renew();
        }
        Ok(())
    }

    fn wrote(&mut self, item: &Item) {
        match serde_json::from_slice::<Place>(item) {
            Ok(place) => self.last = Some(place.order_id),
            // Nobody knows where to go on after that.
            Err(_) => self.patience = Patience::new(0),
        }
        self.progress.advance(self.last);
    }

    /// What is asked for after a break.
    fn rest(&self) -> Request {
        match (self.replay.part(), self.last) {
            (Part::Cold, Some(last)) => self.request(Part::Cold, last.saturating_add(1)),
            (_, Some(last)) => self.request(Part::HotCold, last.saturating_add(1)),
            (part, None) => self.request(part, self.replay.from),
        }
    }

    /// Says where a replay that broke off can go on.
    fn go_on(&self, trouble: Trouble) -> Trouble {
        let Some(last) = self.last.filter(|_| !trouble.message.is_empty()) else { return trouble };
        let part = if self.replay.part() == Part::Cold { "" } else { "--hot-cold " };
        let message = format!(
            "{}\nthe last event was {last}; go on with {part}--from {}",
            trouble.message,
            last.saturating_add(1)
        );
        Trouble { message, ..trouble }
    }

    fn request(&self, part: Part, from: u64) -> Request {
        let request = event::replay(&self.replay.stream, part, from);
        match &self.token {
            Some(token) => request.with(TOKEN, token.as_str()),
            None => request,
        }
    }
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
    if !session.shows_progress || replay.part() != Part::Cold {
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
