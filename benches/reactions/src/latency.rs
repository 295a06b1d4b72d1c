//! W6: from an append to a live handler, beside one commit of the same row made by hand.

use std::path::Path;
use std::time::{Duration, Instant};

use bench_harness::Result;
use futures_util::StreamExt;
use newton::OrderId;
use newton::store::Selection;
use newton::subscription::{Subscribe, Subscriptions};
use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::log::{Log, PAYLOAD};

/// Microseconds, sorted.
struct Times(Vec<f64>);

impl Times {
    fn of(times: &[Duration]) -> Self {
        let mut micros: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
        micros.sort_by(f64::total_cmp);
        Self(micros)
    }

    fn at(&self, percent: usize) -> f64 {
        self.0
            .get((self.0.len() * percent / 100).min(self.0.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    }

    fn show(&self) -> String {
        format!("p50 {:.0} us, p99 {:.0} us of {}", self.at(50), self.at(99), self.0.len())
    }
}

/// Measures raw commits and appends in turn, and prints both.
pub(crate) async fn measure(dir: &Path, time: Duration, rounds: usize) -> Result<()> {
    let (mut commits, mut calls, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    let mut log = Log::new(dir, 100).await?;
    let raw_dir = tempfile::tempdir_in(dir)?;
    let raw = raw_table(raw_dir.path())?;
    for _ in 0..rounds {
        commits.extend(commit(&raw, time)?);
        let (from_call, from_answer) = to_live_handler(&mut log, time).await?;
        calls.extend(from_call);
        waits.extend(from_answer);
    }
    let (commits, calls, waits) = (Times::of(&commits), Times::of(&calls), Times::of(&waits));
    println!("W6: from append to live handler");
    println!("  raw, one commit:               {}", commits.show());
    println!("  newton, from the call on:      {}", calls.show());
    println!("  newton, after the answer:      {}", waits.show());
    let ratio = waits.at(99) / commits.at(99);
    let verdict = if ratio < 2.0 { "ok" } else { "MISSED" };
    println!("  p99 after the answer, under 2 of a raw commit's p99: {ratio:.2} {verdict}");
    Ok(())
}

fn raw_table(dir: &Path) -> Result<Connection> {
    let connection = Connection::open(dir.join("raw.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, stream TEXT, payload TEXT)", [])?;
    commit(&connection, Duration::from_millis(300))?;
    Ok(connection)
}

fn commit(connection: &Connection, time: Duration) -> Result<Vec<Duration>> {
    let mut insert = connection.prepare("INSERT INTO events (stream, payload) VALUES ('acc-1', ?1)")?;
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < time {
        let begun = Instant::now();
        insert.execute([PAYLOAD])?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// The times from the call of each append, and from its answer, to the handler.
async fn to_live_handler(log: &mut Log, time: Duration) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let subscriptions = Subscriptions::new(log.store.clone());
    let mut live = subscriptions.open(Subscribe::hot(Selection::All)).await?;
    let (tell, mut arrivals) = mpsc::unbounded_channel::<(OrderId, Instant)>();
    let handler = tokio::spawn(async move {
        while let Some(Ok(event)) = live.next().await {
            if tell.send((event.order_id, Instant::now())).is_err() {
                return;
            }
        }
    });
    let (mut from_call, mut from_answer) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while start.elapsed() < time {
        let called = Instant::now();
        let place = log.append().await?;
        let answered = Instant::now();
        let (order_id, arrived) = arrivals.recv().await.ok_or("the handler ended")?;
        if order_id != place {
            return Err(format!("the handler got {order_id} instead of {place}").into());
        }
        from_call.push(arrived.saturating_duration_since(called));
        from_answer.push(arrived.saturating_duration_since(answered));
    }
    handler.abort();
    Ok((from_call, from_answer))
}
