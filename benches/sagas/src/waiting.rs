//! Many sagas that wait for a timer: how long a start takes, what they cost in memory, and how late a timer fires.

use std::convert::Infallible;
use std::path::Path;
use std::time::{Duration, Instant};

use newton::domain::{Clock, SystemClock};
use newton::prelude::*;
use newton::{App, Newton, Timestamp};
use tokio::task::JoinSet;

use crate::Failure;

#[derive(Event, Clone, Debug)]
enum AlarmEvent {
    Set {
        #[tag]
        alarm: String,
        after_ms: u64,
    },
    Rung {
        #[tag]
        alarm: String,
        due_us: i64,
        fired_us: i64,
    },
}

#[derive(Command, Clone, Debug)]
enum AlarmCommand {
    Set { after_ms: u64 },
    Ring { due_us: i64, fired_us: i64 },
}

#[derive(Aggregate, Clone, Debug, Default)]
#[aggregate(context = "bench", rejection = Infallible)]
struct Alarm {
    late_us: Option<i64>,
}

impl Alarm {
    fn decide(&self, command: AlarmCommand, context: &Context) -> Result<AlarmEvent, Infallible> {
        let alarm = context.id.as_str().to_owned();
        Ok(match command {
            AlarmCommand::Set { after_ms } => AlarmEvent::Set { alarm, after_ms },
            AlarmCommand::Ring { due_us, fired_us } => AlarmEvent::Rung { alarm, due_us, fired_us },
        })
    }

    fn evolve(&mut self, event: &AlarmEvent) {
        if let AlarmEvent::Rung { due_us, fired_us, .. } = event {
            self.late_us = Some(fired_us - due_us);
        }
    }
}

#[derive(Saga, Clone, Debug, Default)]
#[saga(context = "bench", key = "alarm", starts_on(AlarmEvent::Set), handles(AlarmEvent, Deadline))]
struct Ringing {}

impl On<AlarmEvent> for Ringing {
    fn on(&mut self, event: &AlarmEvent, flow: &mut Flow) -> Result<()> {
        match event {
            AlarmEvent::Set { after_ms, .. } => flow.after(Duration::from_millis(*after_ms), "ring"),
            AlarmEvent::Rung { .. } => flow.end(),
        }
        Ok(())
    }
}

impl On<Deadline> for Ringing {
    fn on(&mut self, deadline: &Deadline, flow: &mut Flow) -> Result<()> {
        let micros = |time: Timestamp| time.timestamp_micros();
        let (due_us, fired_us) = (micros(deadline.due), micros(SystemClock.now()));
        flow.send(flow.key(), AlarmCommand::Ring { due_us, fired_us });
        Ok(())
    }
}

const CLIENTS: u64 = 256;
const HOUR_MS: u64 = 3_600_000;
/// Timers whose lateness is measured.
const TIMED: u64 = 20;

/// Prints what so many running sagas cost.
pub async fn measure(file: &Path, running: u64) -> Result<(), Failure> {
    let url = format!("sqlite://{}", file.display());
    let app = start(&url).await?;
    let fill = Instant::now();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let app = app.clone();
        clients.spawn(async move {
            for number in (client..running).step_by(usize::try_from(CLIENTS)?) {
                app.execute(format!("a-{number}"), AlarmCommand::Set { after_ms: HOUR_MS }).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    clients.join_all().await.into_iter().collect::<Result<(), Failure>>()?;
    app.caught_up_now::<Ringing>().within(Duration::from_mins(10)).await?;
    println!("{running} sagas with a timer each were started in {:.1} s", fill.elapsed().as_secs_f64());
    app.shutdown(Duration::from_secs(30)).await;
    drop(app);
    let started = std::process::Command::new(std::env::current_exe()?).args(["start", &url]).status()?;
    if started.success() { Ok(()) } else { Err("the start with them failed".into()) }
}

/// Prints what a start costs where so many sagas run already.
pub async fn start_with_them(url: &str) -> Result<(), Failure> {
    let (before, begin) = (resident(), Instant::now());
    let app = start(url).await?;
    app.caught_up_now::<Ringing>().within(Duration::from_mins(1)).await?;
    let took = begin.elapsed();
    println!(
        "a start with them: {:.0} ms until it follows the log (target 3,000), {} MiB more resident memory",
        took.as_secs_f64() * 1_000.0,
        resident().saturating_sub(before) / 1_024
    );
    lateness(&app).await?;
    app.shutdown(Duration::from_secs(10)).await;
    Ok(())
}

async fn start(url: &str) -> Result<App, Failure> {
    Ok(Newton::builder().store(url).only::<(Alarm, Ringing)>().cached_aggregates(1_000).start().await?)
}

async fn lateness(app: &App) -> Result<(), Failure> {
    let mut late = Vec::new();
    for number in 0..TIMED {
        let alarm = format!("soon-{number}");
        app.execute(&alarm, AlarmCommand::Set { after_ms: 50 + number }).await?;
        app.saga::<Ringing>(&alarm).ended(Duration::from_mins(1)).await?;
        late.extend(app.load::<Alarm>(&alarm).await?.and_then(|loaded| loaded.state.late_us));
    }
    late.sort_unstable();
    println!(
        "a timer among them fires {} us after it is due (median of {TIMED}), {} us at worst (target 50,000)",
        late[late.len() / 2],
        late[late.len() - 1]
    );
    Ok(())
}

/// The resident memory of this process, in KiB; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
