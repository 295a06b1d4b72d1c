//! The store that is measured, and its writer.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_harness::Result;
use newton::domain::{Clock, NewEvent, SystemClock};
use newton::store::sqlite::{SqliteOptions, SqliteStore};
use newton::store::{Append, EventStore};
use newton::{ExpectedVersion, OrderId, Payload, StreamName};

/// As long as the other works' events.
pub(crate) const PAYLOAD: &str = r#"{"type":"Deposited","amount":1250,"reference":"transfer of the monthly rent, flat 12, third floor, left.."}"#;

/// A new file in a directory of its own, with a log that has been written before, because extending it costs more.
pub(crate) struct Log {
    pub(crate) store: Arc<dyn EventStore>,
    streams: Vec<StreamName>,
    written: usize,
    /// Removed with this value.
    _dir: tempfile::TempDir,
}

impl Log {
    pub(crate) async fn new(dir: &Path, streams: usize) -> Result<Self> {
        let dir = tempfile::tempdir_in(dir)?;
        let store = Arc::new(SqliteStore::open(dir.path().join("log.db"), SqliteOptions::default())?);
        let streams = (0..streams).map(account).collect::<Result<_>>()?;
        let mut log = Self { store, streams, written: 0, _dir: dir };
        for _ in 0..2_000 {
            log.append().await?;
        }
        Ok(log)
    }

    /// Appends one event to the next of the streams.
    pub(crate) async fn append(&mut self) -> Result<OrderId> {
        let stream = self.streams[self.written % self.streams.len()].clone();
        let event = NewEvent::new("AccountDeposited", Payload::from_encoded(PAYLOAD));
        let append = Append::to(stream, ExpectedVersion::Any, vec![event], SystemClock.now());
        self.written += 1;
        Ok(self.store.append(append).await?.order_id)
    }

    /// Appends one event after the other for so long; gives how many a second.
    pub(crate) async fn write(&mut self, time: Duration) -> Result<f64> {
        let start = Instant::now();
        let mut count = 0_u32;
        while start.elapsed() < time {
            self.append().await?;
            count += 1;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    }
}

/// The stream of an account.
pub(crate) fn account(number: usize) -> Result<StreamName> {
    Ok(StreamName::parse(format!("bank/Account/acc-{number}"))?)
}
