//! What is set aside: listing it, trying it again, giving it up.

use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;

use crate::domain::{EventId, Name, OrderId, RecordedEvent, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{EventStoreExt, Expect, Read, Scan, Selection, StateStoreExt};
use crate::subscription::{Dropped, Lease, Ledger, Parked, ParkedKey};

use super::Failure;
use super::record::{DROPPED, DroppedRecord, PARKED, ParkedRecord, delete, event_key, path, put, read};

/// So many payloads are read from the log at once.
const PAGE: usize = Read::PAGE;

/// Handles an event that was set aside.
pub(crate) type Retried<'a> = dyn Fn(RecordedEvent) -> BoxFuture<'a, Result<(), Failure>> + Send + Sync + 'a;

impl Ledger {
    /// Every parked key, sorted, with its events as they are in the log.
    pub(crate) async fn parked(&self) -> Result<Vec<ParkedKey>> {
        let mut keys: BTreeMap<String, Vec<Parked>> = BTreeMap::new();
        for chunk in self.parked_records(&path(&[&self.name]), usize::MAX).await?.chunks(PAGE) {
            let events = self.logged(chunk).await?;
            for record in chunk {
                keys.entry(record.key.clone()).or_default().push(shown(record, &events));
            }
        }
        let named = |(key, events)| ParkedKey { reaction: self.name.clone(), key: Name::from(key), events };
        Ok(keys.into_iter().map(named).collect())
    }

    /// What was given up, in the order of keys and order ids.
    pub(crate) async fn dropped(&self) -> Result<Vec<Dropped>> {
        let scan = Scan::of(DROPPED, path(&[&self.name]));
        let records: Vec<_> = self.runtime.state.records(scan).try_collect().await?;
        let records = records.iter().map(|record| read::<DroppedRecord>(&DROPPED, record));
        let records = records.collect::<Result<Vec<_>>>()?;
        let mut dropped = Vec::with_capacity(records.len());
        for chunk in records.chunks(PAGE) {
            let parked: Vec<_> = chunk.iter().map(|record| record.parked.clone()).collect();
            let events = self.logged(&parked).await?;
            dropped.extend(chunk.iter().map(|record| Dropped {
                key: Name::from(record.parked.key.as_str()),
                parked: shown(&record.parked, &events),
                reason: record.reason.clone(),
                time: time(record.time),
            }));
        }
        Ok(dropped)
    }

    /// Handles the events of a parked key in order, up to the first that fails; the key goes on once none is left. Gives
    /// how many were handled.
    ///
    /// The lease is one for retries of this reaction: it keeps two callers from handling the same event at once.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the key is not parked, and the store's.
    pub(crate) async fn retry(&self, lease: &Lease, key: &str, handle: &Retried<'_>) -> Result<usize> {
        let mut handled = 0;
        loop {
            let mark_key = self.mark_key(key);
            let Some(mark) = self.stored(&mark_key).await? else {
                return if handled > 0 { Ok(handled) } else { Err(self.not_parked(key)) };
            };
            let Some(record) = self.first_parked(key).await? else {
                // Events that were set aside meanwhile have changed the mark, and then nothing is deleted.
                let freed =
                    lease.write(vec![delete(mark_key.clone(), Expect::Revision(mark.revision))]).await;
                match freed {
                    Err(error) if matches!(error.kind(), ErrorKind::StateConflict { key } if *key == mark_key) =>
                    {
                        continue;
                    }
                    outcome => return outcome.map(|()| handled),
                }
            };
            let place = event_key(PARKED, &self.name, key, OrderId(record.order_id));
            match self.attempt(&record, handle).await? {
                Ok(()) => lease.write(vec![delete(place, Expect::Any)]).await?,
                Err(failure) => {
                    let attempts = record.attempts.saturating_add(failure.attempts);
                    let record = ParkedRecord { cause: Some(failure.cause), attempts, ..record };
                    lease.write(vec![put(place, Expect::Any, &record)?]).await?;
                    return Ok(handled);
                }
            }
            handled += 1;
        }
    }

    /// Gives up the first event of a parked key; the reason is kept.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the key is not parked, and the store's.
    pub(crate) async fn drop_first(&self, lease: &Lease, key: &str, reason: &str) -> Result<()> {
        let parked = self.first_parked(key).await?.ok_or_else(|| self.not_parked(key))?;
        let order_id = OrderId(parked.order_id);
        let time = self.runtime.clock.now().timestamp_micros();
        let dropped = DroppedRecord { parked, reason: reason.to_owned(), time };
        let batch = vec![
            delete(event_key(PARKED, &self.name, key, order_id), Expect::Any),
            put(event_key(DROPPED, &self.name, key, order_id), Expect::Any, &dropped)?,
        ];
        lease.write(batch).await
    }

    async fn attempt(&self, record: &ParkedRecord, handle: &Retried<'_>) -> Result<Result<(), Failure>> {
        let event = self.logged(std::slice::from_ref(record)).await?.into_values().next();
        Ok(match event {
            Some(event) => handle(event).await,
            None => Err(Failure {
                cause: "the event is not in the log any more; drop it".to_owned(),
                attempts: 0,
            }),
        })
    }

    async fn first_parked(&self, key: &str) -> Result<Option<ParkedRecord>> {
        Ok(self.parked_records(&path(&[&self.name, key]), 1).await?.pop())
    }

    async fn parked_records(&self, prefix: &str, most: usize) -> Result<Vec<ParkedRecord>> {
        if most < Scan::PAGE {
            let scan = Scan { limit: most, ..Scan::of(PARKED, prefix) };
            let records = self.runtime.state.scan(scan).await?;
            return records.iter().map(|record| read(&PARKED, record)).collect();
        }
        let records = self.runtime.state.records(Scan::of(PARKED, prefix));
        records.and_then(|record| async move { read(&PARKED, &record) }).try_collect().await
    }

    /// The events of records that are still in the log.
    async fn logged(&self, records: &[ParkedRecord]) -> Result<HashMap<EventId, RecordedEvent>> {
        let ids = records.iter().map(|record| EventId::from(record.event_id.as_str())).collect();
        let events = self.runtime.events.read_all(Read::of(Selection::Ids(ids))).await?;
        Ok(events.into_iter().map(|event| (event.id.clone(), event)).collect())
    }

    fn not_parked(&self, key: &str) -> Error {
        let message = format!("`{key}` is not parked in `{}`; list what is", self.name);
        Error::new(ErrorKind::NotFound, "retry parked", message)
    }
}

fn shown(record: &ParkedRecord, events: &HashMap<EventId, RecordedEvent>) -> Parked {
    let event_id = EventId::from(record.event_id.as_str());
    Parked {
        order_id: OrderId(record.order_id),
        event: events.get(&event_id).cloned(),
        event_id,
        cause: record.cause.clone(),
        attempts: record.attempts,
        since: time(record.since),
    }
}

fn time(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
