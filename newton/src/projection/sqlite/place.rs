//! The files of a projection, and the record that says which of them is the live one.
//!
//! The record is in the state store and written under the lease, so a node that comes late cannot switch. Files that it
//! does not name are left from a switch that a crash cut off, and are removed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::Name;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Expect, StateKey, StateStore, StateWrite};
use crate::subscription::{Assembly, Lease};

/// Which generations of a projection's data there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Generations {
    /// The one that readers see.
    pub(super) live: u64,
    /// The one that is built to take its place.
    pub(super) next: Option<u64>,
}

/// Where a projection's files are.
#[derive(Debug)]
pub(super) struct Place {
    name: &'static str,
    folder: PathBuf,
    /// The file of the events, where the tables are in it.
    shared: Option<PathBuf>,
    state: Arc<dyn StateStore>,
    _scratch: Option<Scratch>,
}

/// A folder that lasts as long as the app.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left lies in the system's folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Place {
    pub(super) fn new(name: &'static str, is_shared: bool, assembly: &Assembly) -> Result<Self> {
        let state = assembly.runtime.state.clone();
        if is_shared {
            let Some(file) = assembly.events_file.clone() else {
                let message = "`shared` puts its tables into the file of the events, which are not in an SQLite file; \
                               take `shared` out, or open the store by its `sqlite://` URL";
                return Err(Error::new(ErrorKind::Configuration, "start", message).with("projection", name));
            };
            return Ok(Self { name, folder: PathBuf::new(), shared: Some(file), state, _scratch: None });
        }
        if let Some(folder) = &assembly.projections {
            return Ok(Self { name, folder: folder.clone(), shared: None, state, _scratch: None });
        }
        let folder = std::env::temp_dir().join(format!("newton-projections-{}", Uuid::new_v4()));
        let scratch = Some(Scratch(folder.clone()));
        Ok(Self { name, folder, shared: None, state, _scratch: scratch })
    }

    /// The projection's name.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// The file of a generation.
    pub(super) fn file(&self, generation: u64) -> PathBuf {
        let file = || self.folder.join(format!("{}{generation}.db", self.stem()));
        self.shared.clone().unwrap_or_else(file)
    }

    /// What the names of its files begin with: its own with everything escaped that a file's name may not have.
    fn stem(&self) -> String {
        let mut stem = String::new();
        for byte in self.name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => stem.push(char::from(byte)),
                _ => stem.extend(["%", &format!("{byte:02x}")]),
            }
        }
        stem + "."
    }

    pub(super) async fn generations(&self) -> Result<Generations> {
        let Some(record) = self.state.get(&self.key()).await? else {
            return Ok(Generations { live: 1, next: None });
        };
        serde_json::from_slice(&record.value).map_err(|error| {
            let message =
                "the record of a projection's files cannot be read; delete it to build the data anew";
            Error::new(ErrorKind::Decode, "open projection", message).with("key", self.key()).caused_by(error)
        })
    }

    /// Writes the record, while the lease is held.
    pub(super) async fn write(&self, generations: Generations, lease: Option<&Lease>) -> Result<()> {
        let value = serde_json::to_vec(&generations).map_err(|error| {
            Error::new(ErrorKind::Internal, "switch projection", "the record has no JSON form")
                .caused_by(error)
        })?;
        let write = StateWrite { key: self.key(), expect: Expect::Any, value: Some(value.into()) };
        match lease {
            Some(lease) => lease.write(vec![write]).await,
            None => self.state.write(vec![write]).await.map(drop),
        }
    }

    fn key(&self) -> StateKey {
        StateKey::new(Name::from_static("projection"), self.name)
    }

    /// Makes the folder, and removes the files of generations that are neither live nor being built.
    pub(super) fn tidy(&self, generations: Generations) -> Result<()> {
        if self.is_shared() {
            return Ok(());
        }
        let failed = |error| {
            let message = "the folder of the projections cannot be made or read; check its permissions";
            Error::new(ErrorKind::ReadOnly, "open projection", message)
                .with("folder", self.folder.display())
                .caused_by(error)
        };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let wanted = |generation| generation == generations.live || Some(generation) == generations.next;
            if self.generation_of(&path).is_some_and(|generation| !wanted(generation)) {
                // A reader of another process may hold it open where the system does not allow this; the next start does.
                let _ = std::fs::remove_file(path);
            }
        }
        Ok(())
    }

    /// The generation that a file belongs to, with its write-ahead log.
    fn generation_of(&self, path: &Path) -> Option<u64> {
        let rest = path.file_name()?.to_str()?.strip_prefix(&self.stem())?;
        let (generation, ending) = rest.split_once('.')?;
        matches!(ending, "db" | "db-wal" | "db-shm").then(|| generation.parse().ok())?
    }
}
