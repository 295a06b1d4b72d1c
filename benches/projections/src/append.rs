//! The writer beside a projection whose every transaction takes 300 ms.

use std::path::Path;
use std::time::{Duration, Instant};

use bench_harness::bank::{Account, AccountCommand};
use newton::registry::Register;
use newton::{App, Newton};

use crate::newton_side::{Movements, Slow};
use crate::{Failure, ROUNDS};

/// Appends in each round.
const APPENDS: usize = 2_000;

/// Appends alone, beside a quick projection, and beside a slow one, in turn.
pub(crate) async fn compare(folder: &Path) -> Result<(), Failure> {
    let mut percentiles = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        percentiles[0].push(p99::<Account>(&folder.join(format!("alone-{round}.db"))).await?);
        percentiles[1].push(p99::<(Account, Movements)>(&folder.join(format!("quick-{round}.db"))).await?);
        percentiles[2].push(p99::<(Account, Slow)>(&folder.join(format!("slow-{round}.db"))).await?);
    }
    let [alone, quick, slow] = percentiles.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    println!(
        "append, p99: alone {alone:?}, beside a quick projection {quick:?}, beside one of 300 ms {slow:?}"
    );
    Ok(())
}

async fn p99<T: Register>(file: &Path) -> Result<Duration, Failure> {
    let app = Newton::builder().store(format!("sqlite://{}", file.display())).only::<T>().start().await?;
    app.execute("acc-1", AccountCommand::Open).await.map_err(|error| format!("{error:?}"))?;
    // What grows with the file is left to the first appends.
    append(&app, APPENDS / 4).await?;
    let mut times = append(&app, APPENDS).await?;
    times.sort_unstable();
    Ok(times[times.len() * 99 / 100])
}

async fn append(app: &App, times: usize) -> Result<Vec<Duration>, Failure> {
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let start = Instant::now();
        let deposit = AccountCommand::Deposit { amount: 1 };
        app.execute("acc-1", deposit).await.map_err(|error| format!("{error:?}"))?;
        taken.push(start.elapsed());
    }
    Ok(taken)
}
