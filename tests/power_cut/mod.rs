//! The end of the power takes no acknowledged append with it: what was not synced is dropped, or torn, before reopening.

mod disk;
mod vfs;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use newton::store::Stores;
use newton::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use newton_tests::acknowledged::Acknowledged;
use newton_tests::random::{Random, seed};
use newton_tests::workload::Workload;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::crash::{Findings, check_file};
use disk::{Disk, Unsynced};

/// How often the power is cut with the default options.
const CUTS: u32 = 40;

/// How often with `synchronous=normal`.
const NORMAL_CUTS: u32 = 20;

const FILE: &str = "power.db";

/// A machine: a folder on a disk whose power will be cut.
struct Machine {
    folder: TempDir,
    disk: Arc<Disk>,
    _mounted: vfs::Mounted,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
}

/// When the power is cut, and what happens until then.
struct Until {
    /// The acknowledgements after which the power is cut at the latest.
    acknowledgements: usize,
    /// The acknowledgements after which another connection moves the log into the file, again and again.
    log_moves_every: usize,
}

impl Machine {
    /// A machine on the files of a folder, whose power is cut after so many operations of its disk.
    fn on(folder: TempDir, operations: Option<u64>) -> Self {
        let disk = Arc::new(Disk::of(folder.path(), operations));
        let mounted = vfs::Mounted::new(folder.path(), Arc::clone(&disk));
        Self { folder, disk, _mounted: mounted, acknowledged: Arc::default() }
    }

    /// Opens the store; `None` where the power is off before.
    fn open(&self, synchronous: Synchronous, random: &mut Random) -> Option<SqliteStore> {
        let vfs = Some(vfs::NAME.to_owned());
        let options = SqliteOptions { synchronous, vfs, ..SqliteOptions::default() };
        if random.below(2) == 0 {
            // Closed at once, it moves the log that it found into the file and deletes it.
            drop(SqliteStore::open(self.file(), options.clone()));
        }
        let opened = SqliteStore::open(self.file(), options);
        assert!(opened.is_ok() || self.disk.is_off(), "it does not open while there is power: {opened:?}");
        opened.ok()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    /// Writes until the power is cut.
    async fn run(&self, synchronous: Synchronous, until: Until, mut random: Random) {
        let Some(store) = self.open(synchronous, &mut random) else { return };
        let (moving, moved) = mpsc::channel();
        let file = self.file();
        let checkpoints = std::thread::spawn(move || move_log(&file, &moved));
        let (disk, acknowledged) = (Arc::clone(&self.disk), Arc::clone(&self.acknowledged));
        let told = move |acknowledgement| {
            let mut acknowledged = acknowledged.lock().unwrap();
            acknowledged.push(acknowledgement);
            if acknowledged.len() >= until.acknowledgements {
                disk.cut();
            } else if acknowledged.len() % until.log_moves_every == 0 {
                // The other end is gone once the power is.
                let _ = moving.send(());
            }
        };
        let failure = match Workload::new("one", Stores::of(store), told).await {
            Ok(workload) => workload.run(random.fork()).await,
            Err(failure) => failure,
        };
        assert!(self.disk.is_off(), "a write fails while there is power: {failure:?}");
        checkpoints.join().unwrap();
    }

    /// The files as they are when the power is back, and what had been acknowledged.
    fn restart(self, unsynced: Unsynced) -> (TempDir, Vec<Acknowledged>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in self.disk.after_power_cut(unsynced) {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        (folder, std::mem::take(&mut *self.acknowledged.lock().unwrap()))
    }
}

/// Moves the log into the file at each request, so that the power is cut then too, and so that the log starts anew.
fn move_log(file: &Path, requests: &mpsc::Receiver<()>) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(connection) = Connection::open_with_flags_and_vfs(file, flags, vfs::NAME) else { return };
    while requests.recv().is_ok() {
        // Readers may hold it up, and without power it fails.
        let _ = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
    }
}

fn torn_or_lost(random: &mut Random) -> Unsynced {
    if random.below(3) == 0 { Unsynced::Lost } else { Unsynced::Torn(random.fork()) }
}

/// A number of operations within which a file is opened, or some, or many appends are committed.
fn operations(random: &mut Random) -> u64 {
    let limit = [60, 300, 6_000][usize::try_from(random.below(3)).unwrap()];
    random.below(limit)
}

async fn check(folder: &TempDir, acknowledged: &[Acknowledged]) -> Findings {
    check_file(&folder.path().join(FILE), acknowledged).await
}

/// Until the disk has done its operations, with the log moved often.
const OPERATIONS: Until = Until { acknowledgements: usize::MAX, log_moves_every: 20 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing() {
    let (mut folder, mut random) = (tempfile::tempdir().unwrap(), Random::new(seed()));
    let mut acknowledged = Vec::new();
    for cut in 0..CUTS {
        let machine = Machine::on(folder, Some(operations(&mut random)));
        machine.run(Synchronous::Full, OPERATIONS, random.fork()).await;
        let (after, more) = machine.restart(torn_or_lost(&mut random));
        folder = after;
        acknowledged.extend(more);
        // Else the next power cut comes to files that are as this one left them.
        if random.below(2) == 0 {
            check(&folder, &acknowledged).await.insist(&format!("after power cut {cut}"));
        }
    }
    check(&folder, &acknowledged).await.insist("after the last power cut");
    println!("{CUTS} power cuts, {} acknowledgements", acknowledged.len());
    assert!(acknowledged.len() > 300, "only {} acknowledgements in all", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_fewer_syncs_only_the_last_appends_are_lost() {
    let (mut folder, mut random) = (tempfile::tempdir().unwrap(), Random::new(seed()));
    let mut lost = 0;
    for cut in 0..NORMAL_CUTS {
        let machine = Machine::on(folder, Some(operations(&mut random)));
        machine.run(Synchronous::Normal, OPERATIONS, random.fork()).await;
        let (after, acknowledged) = machine.restart(torn_or_lost(&mut random));
        folder = after;
        let findings = check(&folder, &acknowledged).await;
        assert!(findings.broken.is_empty(), "after power cut {cut}: {:?}", findings.broken);
        lost += findings.lost.len();
    }
    println!(
        "{NORMAL_CUTS} power cuts with synchronous=normal: {lost} acknowledgements lost, each the last ones"
    );
}

/// What is lost of 100 acknowledgements where nothing lasts that was not synced.
async fn after_100(synchronous: Synchronous) -> Findings {
    let machine = Machine::on(tempfile::tempdir().unwrap(), None);
    let until = Until { acknowledgements: 100, log_moves_every: usize::MAX };
    machine.run(synchronous, until, Random::new(seed())).await;
    let (folder, acknowledged) = machine.restart(Unsynced::Lost);
    assert!(acknowledged.len() >= 100);
    check(&folder, &acknowledged).await
}

/// The check itself is able to fail: without syncs it finds that everything is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_syncs_everything_is_lost() {
    after_100(Synchronous::Full).await.insist("with `synchronous=full`");
    let findings = after_100(Synchronous::Off).await;
    println!("synchronous=off: {} acknowledgements lost", findings.lost.len());
    assert_eq!(findings.events, 0, "nothing was synced, and yet these events are there");
    assert!(findings.lost.len() > 50, "only {} are reported as lost", findings.lost.len());
}
