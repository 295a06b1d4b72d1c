//! A writer alone, and with thousands of live subscriptions beside it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bench_harness::Result;
use futures_util::StreamExt;
use newton::store::Selection;
use newton::subscription::{Subscribe, Subscription, Subscriptions};
use tokio::task::JoinSet;

use crate::log::{Log, account};
use crate::median;

/// Live subscriptions, each in a task that counts what it gets. Dropping it ends them.
struct Crowd {
    deliveries: Vec<Arc<Count>>,
    _followers: JoinSet<()>,
}

/// What one subscription got, on a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Count(AtomicU64);

impl Crowd {
    async fn gather(log: &Log, selections: Vec<Selection>) -> Result<Self> {
        let subscriptions = Subscriptions::new(log.store.clone());
        let mut deliveries = Vec::new();
        let mut followers = JoinSet::new();
        for selection in selections {
            let live = subscriptions.open(Subscribe::hot(selection)).await?;
            let own = Arc::new(Count::default());
            followers.spawn(count(live, own.clone()));
            deliveries.push(own);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(Self { deliveries, _followers: followers })
    }

    fn delivered(&self) -> u64 {
        self.deliveries.iter().map(|count| count.0.load(Ordering::Relaxed)).sum()
    }
}

async fn count(mut live: Subscription, deliveries: Arc<Count>) {
    while let Some(Ok(_)) = live.next().await {
        deliveries.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a round gives for one crowd.
#[derive(Default)]
struct Figures {
    appends: Vec<f64>,
    deliveries: Vec<f64>,
}

/// Measures, and prints what a crowd costs.
pub(crate) async fn measure(dir: &Path, time: Duration, rounds: usize, size: usize) -> Result<()> {
    let own = |number: usize| Ok(Selection::Stream(account(number)?));
    let crowds = [
        ("1 on a stream", vec![own(0)?]),
        ("a crowd on streams of their own", (0..size).map(own).collect::<Result<_>>()?),
        ("1 on __all__", vec![Selection::All]),
        ("a crowd on __all__", vec![Selection::All; size]),
    ];
    let mut figures: Vec<Figures> = crowds.iter().map(|_| Figures::default()).collect();
    let mut log = Log::new(dir, size).await?;
    let memory = memory_of(&log, size).await?;
    for _ in 0..rounds {
        for ((_, selections), figures) in crowds.iter().zip(&mut figures) {
            // The crowd before may still have something to do.
            let crowd = Crowd::gather(&log, selections.clone()).await?;
            let start = Instant::now();
            figures.appends.push(log.write(time).await?);
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
            let delivered = crowd.delivered() as f64;
            figures.deliveries.push(delivered / start.elapsed().as_secs_f64());
        }
    }
    println!("One writer, and a crowd of {size}: appends/s, deliveries/s");
    let mut rates = Vec::new();
    for ((name, _), figures) in crowds.iter().zip(figures) {
        let (appends, deliveries) = (median(figures.appends), median(figures.deliveries));
        println!("  {name:<32} {appends:>8.0} {deliveries:>12.0}");
        rates.push(appends);
    }
    for (name, with, alone) in [("streams of their own", rates[1], rates[0]), ("__all__", rates[3], rates[2])]
    {
        let kept = with / alone;
        let verdict = if kept >= 0.5 { "ok" } else { "MISSED" };
        println!("  {name}: the writer keeps, at least 0.5: {kept:.2} {verdict}");
    }
    println!("  memory of a live subscription: {memory:.0} bytes, with its task and its counter");
    Ok(())
}

/// Resident bytes for each live subscription, with the task that waits on it.
async fn memory_of(log: &Log, size: usize) -> Result<f64> {
    let before = resident()?;
    let selections = (0..size).map(|number| Ok(Selection::Stream(account(number)?)));
    let crowd = Crowd::gather(log, selections.collect::<Result<_>>()?).await?;
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let each = resident()?.saturating_sub(before) as f64 / size as f64;
    drop(crowd);
    Ok(each)
}

/// The resident memory of this process, in bytes.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
}
