//! What a store costs behind Muon: emits by 64 tasks, and replays; in memory beside calling the store, and over RabbitMQ
//! beside what `lapin` alone does with as many bytes.
//!
//! `cargo run --release -p bench-muon [seconds]`; over RabbitMQ where `NEWTON_AMQP_URL` names a
//! broker, and beside the published JavaScript client where `NEWTON_INTEROP` names its folder.

mod bare;
mod javascript;
mod side;

use std::time::Duration;

use newton::store::sqlite::{SqliteOptions, SqliteStore};
use newton::store::{MemoryStore, Stores};

use self::side::{Side, amqp, memory};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const TASKS: usize = 64;
/// Events that are replayed.
const EVENTS: usize = 100_000;
const ROUNDS: usize = 3;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let seconds: f64 = std::env::args().nth(1).map_or(Ok(1.0), |seconds| seconds.parse())?;
    let time = Duration::from_secs_f64(seconds);
    let folder = tempfile::tempdir()?;
    let sqlite = || SqliteStore::open(folder.path().join("events.db"), SqliteOptions::default());
    for (name, stores) in [("SQLite", Stores::of(sqlite()?)), ("memory", Stores::of(MemoryStore::new()))] {
        let side = memory(&stores).await?;
        println!("{name}, over the memory transport:");
        beside_direct(&side, &stores, time).await?;
        side.end().await;
        if let Ok(url) = std::env::var("NEWTON_AMQP_URL") {
            let side = amqp(&stores, &url).await?;
            println!("{name}, over RabbitMQ:");
            let emits = beside_bare(&side, &url, time).await?;
            side.end().await;
            if let Ok(interop) = std::env::var("NEWTON_INTEROP") {
                let rate = javascript::emits(&interop, &url)?;
                println!("  the JavaScript client to a JavaScript store: {rate:.0} emits/s");
                println!("  emits by `event`: {:.0} times as many (target 20)", emits / rate);
            }
        }
    }
    Ok(())
}

async fn beside_direct(side: &Side, stores: &Stores, time: Duration) -> Result<(), Failure> {
    let mut rates = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        rates[0].push(side::direct_appends(stores, time).await?);
        rates[1].push(side.emits(time).await?);
        rates[2].push(side.appends(time).await?);
    }
    let [direct, emits, appends] = rates.map(median);
    println!("  emits: direct {direct:.0}/s, by `event` {emits:.0}: {:.2} (target 0.70)", emits / direct);
    println!("  appends by `newton-event`: {appends:.0}/s: {:.2}", appends / direct);
    side::fill(stores).await?;
    let mut rates = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        rates[0].push(side::direct_read(stores).await?);
        rates[1].push(side.replay().await?);
        rates[2].push(side.read().await?);
    }
    let [direct, replay, read] = rates.map(median);
    println!(
        "  replay: direct {direct:.0} events/s, by a stream {replay:.0}: {:.2} (target 0.50)",
        replay / direct
    );
    println!("  reads by `newton-event`: {read:.0} events/s: {:.2}", read / direct);
    Ok(())
}

/// Emits a second.
async fn beside_bare(side: &Side, url: &str, time: Duration) -> Result<f64, Failure> {
    let bytes = side::emitted_bytes();
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        rates[0].push(bare::confirmed(url, bytes, time).await?);
        rates[1].push(side.emits(time).await?);
        rates[2].push(side.appends(time).await?);
        rates[3].push(side.replay().await?);
    }
    let [bare, emits, appends, replay] = rates.map(median);
    println!("  bare publish and confirm of {bytes} bytes, {TASKS} tasks: {bare:.0}/s");
    println!("  emits by `event`: {emits:.0}/s: {:.2} (target 0.50)", emits / bare);
    println!("  appends by `newton-event`: {appends:.0}/s: {:.2}", appends / bare);
    println!("  replay by a stream: {replay:.0} events/s: {:.2} (target 0.50)", replay / bare);
    Ok(emits)
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
