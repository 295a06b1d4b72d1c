//! Each event applies exactly once, whenever the process is killed, and a rebuild goes on where it was.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use newton::Newton;
use newton::subscription::Phase;
use newton_tests::Given;
use newton_tests::bank::Account;
use newton_tests::ledger::Ledger;
use newton_tests::random::{Random, seed};
use newton_tests::recorder::eventually;

use super::folded;

/// How often the process is killed.
const KILLS: u32 = 25;

/// The longest time from the last awaited step to the kill, in microseconds.
const SOON: u64 = 20_000;

struct Projecting {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Projecting {
    fn start(url: &str, random: &mut Random) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_newton-tests-process"))
            .args(["project", url, &random.below(u64::MAX).to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// Waits until so many steps are done.
    fn wait_for(&mut self, steps: u64) {
        for _ in 0..steps {
            let mut line = String::new();
            self.output.read_line(&mut line).unwrap();
            assert!(
                line.starts_with("started") || line.starts_with("moved"),
                "the other process says: {line}"
            );
        }
    }
}

impl Drop for Projecting {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_projection_applies_each_event_once() {
    let (given, mut random) = (Given::sqlite().await, Random::new(seed()));
    let url = given.url().to_owned();
    for kill in 0..KILLS {
        let mut child = Projecting::start(&url, &mut random);
        child.wait_for(1 + random.below(30));
        // The moment of the kill is what is random here; nothing waits on it.
        std::thread::sleep(Duration::from_micros(random.below(SOON)));
        drop(child);
        // Often the next process finds the files as they were left.
        if random.below(2) == 0 || kill + 1 == KILLS {
            check(&url, &format!("after kill {kill}")).await;
        }
    }
    assert!(folded(&*given.stores.events).await.len() > 10, "almost nothing was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_takes_over_from_a_process_that_is_killed() {
    let (given, mut random) = (Given::sqlite().await, Random::new(seed()));
    for kill in 0..3 {
        let mut child = Projecting::start(given.url(), &mut random);
        child.wait_for(2 + random.below(10));
        let app = Newton::builder().store(given.url()).only::<(Account, Ledger)>().start().await.unwrap();
        let phase = async || app.status::<Ledger>().await.unwrap().phase;
        eventually("standing by", async || phase().await == Phase::StandingBy).await;
        child.wait_for(1);
        drop(child);
        eventually("live", async || phase().await == Phase::Live).await;
        drop(app);
        check(given.url(), &format!("after kill {kill}")).await;
    }
}

/// The live table equals a fold of the log, and nothing is left of what was cut off.
async fn check(url: &str, when: &str) {
    let app = Newton::builder().store(url).only::<(Account, Ledger)>().start().await.unwrap();
    app.caught_up_all().await.unwrap();
    let sql = "SELECT stream, balance, events FROM ledger ORDER BY stream";
    let view = app.view::<Ledger>().unwrap();
    let rows = view.query(sql, (), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).await.unwrap();
    assert_eq!(rows, folded(&**app.events()).await, "{when}");
    // One that was cut off goes on by itself; asking joins it or does it once more.
    app.rebuild::<Ledger>().await.unwrap().done().await.unwrap();
    let rows = view.query(sql, (), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).await.unwrap();
    assert_eq!(rows, folded(&**app.events()).await, "{when}, rebuilt");
    drop(app);
    let folder = format!("{}.projections", url.trim_start_matches("sqlite://"));
    let is_data = |path: &Path| path.extension().is_some_and(|ending| ending == "db");
    let files = std::fs::read_dir(folder).unwrap().filter(|file| is_data(&file.as_ref().unwrap().path()));
    assert_eq!(files.count(), 1, "{when}");
}
