//! Runs a work on a contestant.

mod client;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use self::client::Client;
use crate::bank::{AccountCommand, imported_balance};
use crate::contestant::{Contestant, Outcome, Place};
use crate::work::{Measure, Request, Traffic, Work};
use crate::{Result, syncs};

/// The most accounts that are written to let the logs grow, and the events of each.
const SETTLING: (usize, u64) = (300, 1_000);
/// After so many of them without growth the logs are as large as they get.
const STEADY: u32 = 3;
/// How often a caller tries a command again that met a conflict.
const ATTEMPTS: u32 = 10;
/// The most commands that are handed over in one group.
const GROUP: usize = 1_000;
/// The most accounts that are touched before the measuring.
const WARM: u64 = 1_000;
/// The clients that fill a store before the measuring.
const FILLERS: u64 = 64;

/// Opens the contestant, prepares the work, measures it and closes.
pub async fn run<C: Contestant>(request: &Request, variant: &str) -> Result<Measure> {
    if let Work::Open = request.work {
        return open::<C>(&request.place, variant).await;
    }
    let contestant = Arc::new(C::open(&request.place, variant).await?);
    let mut measure = match &request.work {
        Work::Execute { clients, traffic } => {
            prepare(&contestant, traffic).await?;
            settle(&*contestant, &request.place).await?;
            execute(&contestant, Client::several(*clients, traffic), request.time).await?
        }
        Work::Load { events } => {
            let (id, expected) = (format!("long-{events}"), imported_balance(*events));
            if contestant.balance(&id).await? == 0 {
                contestant.execute(&id, AccountCommand::Import { events: *events }).await?;
            }
            contestant.flush().await?;
            load(&contestant, request.time, || (id.clone(), Some(expected))).await?
        }
        Work::LoadExisting { traffic } => {
            prepare(&contestant, traffic).await?;
            let [mut client] = Client::several(1, traffic).try_into().map_err(|_| "one client was wanted")?;
            load(&contestant, request.time, || (client.next().0, None)).await?
        }
        Work::Open => Measure::default(),
    };
    measure.settings = contestant.settings().await?;
    measure.resident = resident();
    match Arc::try_unwrap(contestant) {
        Ok(contestant) => contestant.close().await?,
        Err(_) => return Err("a client still holds the contestant".into()),
    }
    Ok(measure)
}

async fn open<C: Contestant>(place: &Place, variant: &str) -> Result<Measure> {
    let start = Instant::now();
    let contestant = C::open(place, variant).await?;
    contestant.balance(&client::existing(0)).await?;
    let seconds = start.elapsed().as_secs_f64();
    contestant.close().await?;
    Ok(Measure { count: 1, seconds, resident: resident(), ..Measure::default() })
}

/// Lets the write-ahead log grow to its size: from then on it is overwritten, which costs less than to extend a file, and
/// how soon a short measurement would get there depends on everything but the contestant.
async fn settle<C: Contestant>(contestant: &C, place: &Place) -> Result<()> {
    let Place::Dir(dir) = place else { return Ok(()) };
    let (accounts, events) = SETTLING;
    let (mut size, mut steady) = (0, 0);
    for mut client in Client::several(accounts, &Traffic::Import { events }) {
        let (id, command) = client.next();
        contestant.execute(&id, command).await?;
        let grown = log_size(dir)?;
        steady = if grown > size { 0 } else { steady + 1 };
        size = grown;
        if steady == STEADY {
            break;
        }
    }
    contestant.flush().await
}

/// The bytes of the write-ahead logs in a directory.
fn log_size(dir: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with("-wal") {
            size += entry.metadata()?.len();
        }
    }
    Ok(size)
}

/// What the clients count together.
#[derive(Default)]
struct Tally {
    done: AtomicU64,
    conflicts: AtomicU64,
    exhausted: AtomicU64,
}

/// Fills the store as the traffic needs it, and touches what the traffic will touch, so that caches are warm.
async fn prepare<C: Contestant>(contestant: &Arc<C>, traffic: &Traffic) -> Result<()> {
    const DEPOSIT: AccountCommand = AccountCommand::Deposit { amount: 10 };
    let (accounts, events) = match *traffic {
        Traffic::Fresh { .. } | Traffic::Import { .. } => return Ok(()),
        Traffic::One => (client::SHARED, 1),
        Traffic::Existing { accounts, prepare } => (accounts, prepare.unwrap_or(0)),
    };
    // In rounds, an event for each account in each, so that the events of an account lie far apart.
    for round in 0..events {
        let command = if round == 0 { AccountCommand::Open } else { DEPOSIT };
        on_each(contestant, accounts, command).await?;
    }
    let warm = accounts.min(WARM);
    on_each(contestant, warm, DEPOSIT).await?;
    for number in 0..warm {
        contestant.balance(&client::existing(number)).await?;
    }
    Ok(())
}

/// Executes a command on each of the first accounts, many at a time so that it is quick.
async fn on_each<C: Contestant>(contestant: &Arc<C>, accounts: u64, command: AccountCommand) -> Result<()> {
    if C::GROUPED {
        let numbers: Vec<u64> = (0..accounts).collect();
        for some in numbers.chunks(10 * GROUP) {
            contestant
                .group(some.iter().map(|number| (client::existing(*number), command)).collect())
                .await?;
        }
        return Ok(());
    }
    let mut fillers = JoinSet::new();
    for first in 0..FILLERS {
        let contestant = contestant.clone();
        fillers.spawn(async move {
            for number in (first..accounts).step_by(usize::try_from(FILLERS)?) {
                persist(&*contestant, &client::existing(number), command, &Tally::default()).await?;
            }
            Ok(())
        });
    }
    finish(fillers).await
}

async fn execute<C: Contestant>(
    contestant: &Arc<C>,
    clients: Vec<Client>,
    time: Duration,
) -> Result<Measure> {
    let tally = Arc::new(Tally::default());
    let (syncs, start) = (syncs::count(), Instant::now());
    let deadline = start + time;
    if C::GROUPED {
        grouped(&**contestant, clients, deadline, &tally).await?;
    } else {
        concurrent(contestant, clients, deadline, &tally).await?;
    }
    Ok(Measure {
        seconds: start.elapsed().as_secs_f64(),
        syncs: syncs::count() - syncs,
        count: tally.done.load(Relaxed),
        conflicts: tally.conflicts.load(Relaxed),
        exhausted: tally.exhausted.load(Relaxed),
        ..Measure::default()
    })
}

/// A task for each client.
async fn concurrent<C: Contestant>(
    contestant: &Arc<C>,
    clients: Vec<Client>,
    deadline: Instant,
    tally: &Arc<Tally>,
) -> Result<()> {
    let mut tasks = JoinSet::new();
    for mut client in clients {
        let (contestant, tally) = (contestant.clone(), tally.clone());
        tasks.spawn(async move {
            while Instant::now() < deadline {
                let (id, command) = client.next();
                persist(&*contestant, &id, command, &tally).await?;
            }
            Ok(())
        });
    }
    finish(tasks).await
}

/// One transaction for a command of each client, up to [`GROUP`] of them.
async fn grouped<C: Contestant>(
    contestant: &C,
    mut clients: Vec<Client>,
    deadline: Instant,
    tally: &Tally,
) -> Result<()> {
    let size = clients.len().min(GROUP);
    while Instant::now() < deadline {
        let group = clients[..size].iter_mut().map(Client::next).collect();
        contestant.group(group).await?;
        tally.done.fetch_add(size as u64, Relaxed);
        clients.rotate_left(size);
    }
    Ok(())
}

/// Executes a command, and tries again after a conflict as a caller would.
async fn persist<C: Contestant>(
    contestant: &C,
    id: &str,
    command: AccountCommand,
    tally: &Tally,
) -> Result<()> {
    for _ in 0..ATTEMPTS {
        match contestant.execute(id, command).await? {
            Outcome::Done => {
                tally.done.fetch_add(1, Relaxed);
                return Ok(());
            }
            Outcome::Conflict => tally.conflicts.fetch_add(1, Relaxed),
            Outcome::Exhausted => break,
        };
    }
    tally.exhausted.fetch_add(1, Relaxed);
    Ok(())
}

async fn load<C: Contestant>(
    contestant: &Arc<C>,
    time: Duration,
    mut next: impl FnMut() -> (String, Option<u64>),
) -> Result<Measure> {
    let (mut count, start) = (0, Instant::now());
    while start.elapsed() < time {
        let (id, expected) = next();
        let balance = contestant.balance(&id).await?;
        if expected.is_some_and(|expected| expected != balance) {
            return Err(format!("`{id}` was loaded with {balance} instead of {expected:?}").into());
        }
        count += 1;
    }
    Ok(Measure { count, seconds: start.elapsed().as_secs_f64(), ..Measure::default() })
}

async fn finish(mut tasks: JoinSet<Result<()>>) -> Result<()> {
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

/// The resident memory of this process, in KiB; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
