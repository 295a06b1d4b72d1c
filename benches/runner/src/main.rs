//! Runs every contestant in turn, round after round, and prints a table for each work.

mod disk;
mod plan;
mod process;
mod table;

use std::collections::{HashMap, hash_map};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bench_harness::work::{Measure, Request, Traffic, Work};
use bench_harness::{Place, Result};
use clap::Parser;

use self::plan::Entry;
use self::process::Process;

/// Measures Newton, the bare driver and the peers in one run.
#[derive(Parser)]
struct Options {
    /// Where the databases go; each is removed after its round.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Rounds, of which the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds for each contestant in each round of each work.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Only these works, by key, such as `w1,w2`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these contestants, by name, separated by `/`, such as `newton/raw`.
    #[arg(long, value_delimiter = '/')]
    contestants: Vec<String>,
    /// Measures on a large store instead: it is filled first, which takes minutes and about 5 GB.
    #[arg(long)]
    big: bool,
    /// The events of the large store, ten to an account.
    #[arg(long, default_value_t = 10_000_000)]
    big_events: u64,
}

/// The rounds of each entry and contestant.
type Rounds = HashMap<(&'static str, &'static str), Vec<Measure>>;

fn main() -> Result<()> {
    let options = Options::parse();
    let entries = chosen(&options);
    let dir = match &options.dir {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    disk::warn_of_memory(dir.path())?;
    process::build(entries.iter().flat_map(|entry| &entry.contestants))?;
    if options.big {
        fill(dir.path(), options.big_events)?;
    }
    let mut run = Run {
        options,
        dir: dir.path(),
        processes: HashMap::new(),
        rounds: Rounds::new(),
        failures: Vec::new(),
    };
    let mut syncs = Vec::new();
    // Round after round, not work after work: what drifts on this machine then hits all alike.
    for round in 0..run.options.rounds {
        eprintln!("round {} of {}", round + 1, run.options.rounds);
        for entry in &entries {
            syncs.push(disk::syncs_per_second(dir.path())?);
            run.round(entry, round);
        }
    }
    table::print(&entries, &run.rounds, &mut syncs);
    if run.failures.is_empty() {
        return Ok(());
    }
    Err(format!("not all was measured:\n{}", run.failures.join("\n")).into())
}

/// What the options leave of the plan.
fn chosen(options: &Options) -> Vec<Entry> {
    let mut entries = if options.big { plan::big(options.big_events) } else { plan::all() };
    let allowed = |list: &[String], name: &str| list.is_empty() || list.iter().any(|one| one == name);
    entries.retain(|entry| allowed(&options.only, entry.key));
    for entry in &mut entries {
        entry.contestants.retain(|name| allowed(&options.contestants, name));
    }
    entries
}

fn big_dir(dir: &Path) -> PathBuf {
    dir.join("big")
}

/// Fills the large store, by hand: it is the fastest way.
fn fill(dir: &Path, events: u64) -> Result<()> {
    let place = Place::Dir(big_dir(dir));
    std::fs::create_dir(big_dir(dir))?;
    eprintln!("filling a store with {events} events");
    let each = plan::BIG_EVENTS_EACH;
    let traffic = Traffic::Existing { accounts: events / each, prepare: Some(each) };
    let work = Work::Execute { clients: 1, traffic };
    Process::start("raw", dir)?.ask(&Request { work, place, time: Duration::ZERO })?;
    Ok(())
}

/// What is under way.
struct Run<'a> {
    options: Options,
    dir: &'a Path,
    processes: HashMap<&'static str, Process>,
    rounds: Rounds,
    failures: Vec<String>,
}

impl Run<'_> {
    /// Has each contestant do one work, in turn. Each round begins with another, so that none always follows the same.
    fn round(&mut self, entry: &Entry, round: usize) {
        let turn = round % entry.contestants.len().max(1);
        let (first, last) = entry.contestants.split_at(turn);
        for name in last.iter().chain(first) {
            match self.measure(entry, name) {
                Ok(measure) => self.rounds.entry((entry.key, name)).or_default().push(measure),
                Err(error) => {
                    self.processes.remove(name);
                    self.failures.push(format!("{}, {name}: {error}", entry.key));
                }
            }
        }
    }

    fn measure(&mut self, entry: &Entry, name: &'static str) -> Result<Measure> {
        let fresh = tempfile::tempdir_in(self.dir)?;
        let place = match entry.on {
            plan::On::Fresh => Place::Dir(fresh.path().to_owned()),
            plan::On::Big => Place::Dir(big_dir(self.dir)),
            plan::On::Memory => Place::Memory,
        };
        let time = Duration::from_secs_f64(self.options.seconds);
        let process = match self.processes.entry(name) {
            hash_map::Entry::Occupied(running) => running.into_mut(),
            hash_map::Entry::Vacant(none) => none.insert(Process::start(name, self.dir)?),
        };
        process.ask(&Request { work: entry.work.clone(), place, time })
    }
}
