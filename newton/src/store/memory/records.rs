//! The state records: a sorted map and one counter of revisions.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::domain::Name;
use crate::error::{Error, Result};
use crate::store::{Expect, Revision, Scan, StateKey, StateRecord, StateWrite};

/// Records by space and key. One counter for all keys: no revision ever comes again, whatever is deleted.
#[derive(Default)]
pub(super) struct Records {
    records: BTreeMap<StateKey, (Revision, Bytes)>,
    revision: u64,
}

impl Records {
    pub(super) fn get(&self, key: &StateKey) -> Option<StateRecord> {
        self.records.get(key).map(|value| record(&key.key, value))
    }

    pub(super) fn write(&mut self, batch: Vec<StateWrite>) -> Result<Vec<Revision>> {
        if let Some(failed) = batch.iter().find(|write| !self.holds(write)) {
            return Err(Error::state_conflict("write state", failed.key.clone()));
        }
        Ok(batch.into_iter().map(|write| self.apply(write)).collect())
    }

    pub(super) fn scan(&self, scan: &Scan) -> Vec<StateRecord> {
        let start = match &scan.after {
            Some(after) if *after >= scan.prefix => Bound::Excluded(after),
            _ => Bound::Included(&scan.prefix),
        };
        let start = start.map(|key| StateKey::new(scan.space.clone(), key.clone()));
        self.records
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| key.space == scan.space && key.key.starts_with(&*scan.prefix))
            .take(scan.limit)
            .map(|(key, value)| record(&key.key, value))
            .collect()
    }

    fn holds(&self, write: &StateWrite) -> bool {
        let present = self.records.get(&write.key).map(|(revision, _)| *revision);
        match write.expect {
            Expect::Any => true,
            Expect::Absent => present.is_none(),
            Expect::Revision(revision) => present == Some(revision),
        }
    }

    fn apply(&mut self, write: StateWrite) -> Revision {
        self.revision += 1;
        let revision = Revision(self.revision);
        match write.value {
            Some(value) => self.records.insert(write.key, (revision, value)),
            None => self.records.remove(&write.key),
        };
        revision
    }
}

fn record(key: &Name, (revision, value): &(Revision, Bytes)) -> StateRecord {
    StateRecord { key: key.clone(), revision: *revision, value: value.clone() }
}
