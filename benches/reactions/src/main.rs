//! How fast what follows the log is: the way from an append to a live handler, and what thousands of followers cost.
//!
//! - `latency`: W6, from append to live handler, beside one raw commit
//! - `crowd`: a writer alone, and with thousands of live subscriptions
//! - `log`: the store that is measured, and its writer

mod crowd;
mod latency;
mod log;

use std::path::PathBuf;
use std::time::Duration;

use bench_harness::Result;
use clap::Parser;

/// Measures live subscriptions on SQLite.
#[derive(Parser)]
struct Options {
    /// A directory on a real disk, for the files.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How often each is measured; the median is printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many subscriptions make a crowd.
    #[arg(long, default_value_t = 10_000)]
    crowd: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let time = Duration::from_secs_f64(options.seconds);
    latency::measure(&options.dir, time, options.rounds).await?;
    crowd::measure(&options.dir, time, options.rounds, options.crowd).await
}

/// The middle of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
