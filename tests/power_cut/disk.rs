//! What a disk still holds after a power cut: a model of what was written, and what of it was synced.
//!
//! A write or truncation lasts once its file is synced, a name that is created or deleted once the folder is. Until
//! then each may last or not, a write sector by sector. Shared memory never lasts, and is not here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use newton_tests::random::Random;

/// The bytes that last together, or not at all.
const SECTOR: usize = 512;

/// A file, whatever its name is now.
pub(super) type Inode = usize;

/// The files of one folder, by name.
pub(super) type Image = BTreeMap<String, Vec<u8>>;

/// What lasts of that which was not synced.
pub(super) enum Unsynced {
    /// Nothing.
    Lost,
    /// What chance keeps: some names, and some sectors of some writes.
    Torn(Random),
}

/// A disk with one folder.
#[derive(Debug, Default)]
pub(super) struct Disk(Mutex<State>);

/// What is on the disk, and what of it would last.
#[derive(Debug, Default)]
pub(super) struct State {
    names: BTreeMap<String, Inode>,
    synced_names: BTreeMap<String, Inode>,
    files: Vec<Contents>,
    /// Operations until the power is cut; `None` for never.
    operations_left: Option<u64>,
}

#[derive(Debug, Default)]
struct Contents {
    synced: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Disk {
    /// A disk that holds what a folder holds; its power is cut after so many operations.
    pub(super) fn of(folder: &Path, operations_left: Option<u64>) -> Self {
        let mut state = State { operations_left, ..State::default() };
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if !name.ends_with("-shm") {
                state.synced_names.insert(name, state.files.len());
                state
                    .files
                    .push(Contents { synced: std::fs::read(entry.path()).unwrap(), since: Vec::new() });
            }
        }
        state.names.clone_from(&state.synced_names);
        Self(Mutex::new(state))
    }

    /// Does something that changes the disk, alone; `None` if the power is off.
    pub(super) fn operate<T>(&self, operation: impl FnOnce(&mut State) -> T) -> Option<T> {
        let mut state = self.lock();
        if let Some(left) = &mut state.operations_left {
            *left = left.checked_sub(1)?;
        }
        Some(operation(&mut state))
    }

    /// Cuts the power: nothing changes any more.
    pub(super) fn cut(&self) {
        self.lock().operations_left = Some(0);
    }

    /// Whether the power is off.
    pub(super) fn is_off(&self) -> bool {
        self.lock().operations_left == Some(0)
    }

    /// What is found once the power is back.
    pub(super) fn after_power_cut(&self, mut unsynced: Unsynced) -> Image {
        let state = self.lock();
        let mut names = state.synced_names.clone();
        if let Unsynced::Torn(random) = &mut unsynced {
            for (name, inode) in &state.names {
                if random.below(2) == 0 {
                    names.insert(name.clone(), *inode);
                }
            }
            names.retain(|name, _| state.names.contains_key(name) || random.below(2) == 0);
        }
        names.into_iter().map(|(name, inode)| (name, state.files[inode].after(&mut unsynced))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The file of a name; a new one where there is none.
    pub(super) fn open(&mut self, name: &str) -> Inode {
        if let Some(inode) = self.names.get(name) {
            return *inode;
        }
        self.files.push(Contents::default());
        self.names.insert(name.to_owned(), self.files.len() - 1);
        self.files.len() - 1
    }

    pub(super) fn write(&mut self, inode: Inode, offset: usize, bytes: &[u8]) {
        self.files[inode].since.push(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn truncate(&mut self, inode: Inode, length: usize) {
        self.files[inode].since.push(Change::Truncate(length));
    }

    pub(super) fn sync(&mut self, inode: Inode) {
        let Contents { synced, since } = &mut self.files[inode];
        since.drain(..).for_each(|change| change.apply(synced));
    }

    pub(super) fn delete(&mut self, name: &str) {
        self.names.remove(name);
    }

    pub(super) fn sync_folder(&mut self) {
        self.synced_names.clone_from(&self.names);
    }
}

impl Contents {
    fn after(&self, unsynced: &mut Unsynced) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        if let Unsynced::Torn(random) = unsynced {
            // A write-ahead log is found torn at each place: at its first write, its last, and anywhere between.
            let odds = 1 + random.below(8);
            self.since.iter().for_each(|change| change.apply_torn(&mut bytes, random, odds));
        }
        bytes
    }
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(file, *offset, bytes),
            Self::Truncate(length) => file.truncate(*length),
        }
    }

    /// Applies what lasts: of each sector, all but one time in `odds`.
    fn apply_torn(&self, file: &mut Vec<u8>, random: &mut Random, odds: u64) {
        match self {
            Self::Write { offset, bytes } => {
                let mut start = 0;
                while start < bytes.len() {
                    let to_boundary = SECTOR - (offset + start) % SECTOR;
                    let end = bytes.len().min(start + to_boundary);
                    if random.below(odds) > 0 {
                        put(file, offset + start, &bytes[start..end]);
                    }
                    start = end;
                }
            }
            Self::Truncate(length) if random.below(odds) > 0 => file.truncate(*length),
            Self::Truncate(_) => {}
        }
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Disk {
        Disk::of(tempfile::tempdir().unwrap().path(), None)
    }

    #[test]
    fn what_was_not_synced_is_gone() {
        let disk = empty();
        disk.operate(|state| {
            let (kept, forgotten) = (state.open("kept"), state.open("forgotten"));
            state.write(kept, 2, b"abc");
            state.sync(kept);
            state.write(kept, 0, b"xxx");
            state.truncate(kept, 1);
            state.sync_folder();
            state.write(forgotten, 0, b"abc");
            state.sync(state.names["forgotten"]);
            state.delete("kept");
            state.open("new");
        });
        let image = disk.after_power_cut(Unsynced::Lost);
        let expected = [("forgotten", b"abc".to_vec()), ("kept", b"\0\0abc".to_vec())];
        assert_eq!(image, expected.map(|(name, bytes)| (name.to_owned(), bytes)).into());
    }

    #[test]
    fn chance_keeps_some_sectors_of_a_write() {
        let disk = empty();
        disk.operate(|state| {
            let inode = state.open("file");
            state.sync_folder();
            state.write(inode, 0, &vec![1; 64 * SECTOR]);
        });
        let torn = (0..20).filter(|seed| {
            let image = disk.after_power_cut(Unsynced::Torn(Random::new(*seed)));
            let sectors = image["file"].chunks(SECTOR);
            assert!(sectors.clone().all(|sector| sector.iter().all(|byte| *byte == sector[0])));
            sectors.clone().any(|sector| sector[0] == 0) && sectors.clone().any(|sector| sector[0] == 1)
        });
        assert!(torn.count() > 5);
    }

    #[test]
    fn nothing_changes_without_power() {
        let disk = empty();
        disk.cut();
        assert!(disk.is_off());
        assert_eq!(disk.operate(|_| panic!("the power is off")), None::<()>);
    }
}
