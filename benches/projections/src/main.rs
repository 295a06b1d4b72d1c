//! W5: how fast projections catch up against the same work by hand; and whether a slow one holds up the writer.
//!
//! `cargo run --release -p bench-projections [events]`. Each figure is the median of five rounds, the contestants in turn.

mod append;
mod newton_side;
mod raw;

use std::path::Path;
use std::time::{Duration, Instant};

use bench_harness::bank::{AccountEvent, REFERENCE};
use newton::domain::{Clock, NewEvent, SystemClock};
use newton::store::{Append, EventStore, sqlite::SqliteOptions, sqlite::SqliteStore};
use newton::{Event, ExpectedVersion, Payload, StreamName};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const ROUNDS: usize = 5;
const ACCOUNTS: u64 = 1_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let events: u64 = std::env::args().nth(1).map_or(Ok(100_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bank.db");
    fill(&file, events).await?;
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        times[0].push(timed(|| raw::fold(&file))?);
        times[1].push(newton_side::memory(&file, events).await?);
        times[2].push(timed(|| raw::rows(&file, &folder.path().join("raw.db")))?);
        times[3].push(newton_side::sqlite(&file, events).await?);
    }
    let [fold, memory, by_hand, durable] = times.map(|times| rate(times, events));
    println!(
        "W5, into a handler:     raw {fold:>9.0} events/s, newton {memory:>9.0}: {:.2} of raw (target 0.80)",
        memory / fold
    );
    println!(
        "W5, a row for an event: raw {by_hand:>9.0} events/s, newton {durable:>9.0}: {:.2} of raw (target 0.50)",
        durable / by_hand
    );
    append::compare(folder.path()).await
}

/// Events a second, by the median time.
#[expect(clippy::cast_precision_loss, reason = "a rate needs no precision")]
fn rate(mut times: Vec<Duration>, events: u64) -> f64 {
    times.sort_unstable();
    events as f64 / times[times.len() / 2].as_secs_f64()
}

fn timed(work: impl FnOnce() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

/// Writes events to many accounts, a hundred in each append.
async fn fill(file: &Path, events: u64) -> Result<(), Failure> {
    let store = SqliteStore::open(file, SqliteOptions::default())?;
    let mut number = 0;
    while number < events {
        let stream = StreamName::parse(format!("bank/Account/acc-{}", number / 100 % ACCOUNTS))?;
        let deposited = |amount| {
            let event = AccountEvent::Deposited { amount, reference: REFERENCE.to_owned() };
            let mut payload = Vec::new();
            Event::encode(&event, &mut payload)?;
            Ok(NewEvent::new(Event::event_type(&event).name, Payload::from_encoded(payload)))
        };
        let page: Result<Vec<_>, serde_json::Error> =
            (number..events.min(number + 100)).map(deposited).collect();
        store.append(Append::to(stream, ExpectedVersion::Any, page?, SystemClock.now())).await?;
        number += 100;
    }
    Ok(())
}
