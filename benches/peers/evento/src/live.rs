//! W6: from an acknowledged append to a live subscription, with the margin of a second that evento keeps by default.

use std::path::Path;
use std::time::{Duration, Instant};

use bench_harness::{Contestant, Place, Result};
use evento::Executor;
use evento::metadata::Event;
use evento::subscription::{Context, SubscriptionBuilder};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{Deposited, Evento};

#[evento::subscription]
async fn on_deposited<E: Executor>(context: &Context<'_, E>, event: Event<Deposited>) -> anyhow::Result<()> {
    context.extract::<UnboundedSender<(u64, Instant)>>().send((event.data.amount, Instant::now()))?;
    Ok(())
}

/// Measures in a folder on a real disk, and prints. What it makes there stays.
pub(crate) fn measure(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut waits = runtime.block_on(after_the_answer(folder, 20))?;
    waits.sort_unstable();
    let at = |percent| waits[waits.len() * percent / 100];
    println!("W6, evento, after the answer: p50 {:?}, p99 {:?} of {}", at(50), at(99), waits.len());
    Ok(())
}

async fn after_the_answer(folder: &Path, appends: u64) -> Result<Vec<Duration>> {
    let Evento { executor, .. } = Evento::open(&Place::Dir(folder.to_owned()), "").await?;
    let (tell, mut arrivals) = unbounded_channel();
    let live = SubscriptionBuilder::new("w6").handler(on_deposited()).data(tell).live(&executor).await?;
    let mut waits = Vec::new();
    for amount in 0..appends {
        let deposited = Deposited { amount, reference: bench_harness::bank::REFERENCE.to_owned() };
        evento::append(format!("acc-{amount}")).event(&deposited).commit(&executor).await?;
        let answered = Instant::now();
        let (got, arrived): (u64, Instant) = arrivals.recv().await.ok_or("the subscription ended")?;
        if got != amount {
            return Err(format!("the handler got {got} instead of {amount}").into());
        }
        waits.push(arrived.saturating_duration_since(answered));
    }
    live.shutdown().await?;
    Ok(waits)
}
