//! The writer of a file, without a log: fences, batches of every split, and what is rolled back.

use std::sync::Arc;

use super::pulse::Pulse;
use super::tx::{SqliteTables, SqliteTx};
use super::writer::{Opening, Writer};
use crate::domain::{
    EventId, EventType, Fingerprint, Handler, HandlerError, Metadata, OrderId, Payload, RecordedEvent,
    Schema, StreamName, SystemClock, Timestamp, Version,
};
use crate::error::ErrorKind;
use crate::projection::{Projection, SqliteProjection};
use crate::subscription::Provided;

/// Adds the order ids of each stream: in a row at once for even ones, held back in itself for odd ones.
#[derive(Default)]
struct Sums(Vec<(String, i64)>);

impl Handler for Sums {
    type Context<'a> = SqliteTx<'a>;
}

impl Projection for Sums {
    const NAME: &'static str = "Sums";
    const FINGERPRINT: Fingerprint = Fingerprint::Unknown;

    fn event_types() -> Vec<&'static EventType> {
        Vec::new()
    }

    fn handle(&mut self, event: &RecordedEvent, tx: &mut SqliteTx<'_>) -> Result<bool, HandlerError> {
        let (stream, number) = (event.stream.to_string(), event.order_id.0.cast_signed());
        if number % 2 == 1 {
            self.0.push((stream, number));
        } else {
            add(tx, &stream, number)?;
        }
        match event.payload.as_bytes() {
            b"\"fail\"" => Err(HandlerError::new("it was to fail")),
            b"\"commit\"" => Ok(tx.execute("COMMIT", ()).map(|_| true)?),
            b"\"panic\"" => {
                tx.execute("INSERT INTO sums VALUES ('panicked', 1)", ())?;
                panic!("it was to panic")
            }
            _ => Ok(true),
        }
    }
}

fn add(tx: &SqliteTables<'_>, stream: &str, number: i64) -> rusqlite::Result<usize> {
    let add = "INSERT INTO sums VALUES (?1, ?2) ON CONFLICT (stream) DO UPDATE SET sum = sum + ?2";
    tx.execute(add, (stream, number))
}

impl SqliteProjection for Sums {
    const SHARED: bool = false;

    fn build(_: &Provided) -> crate::Result<Self> {
        Ok(Self::default())
    }

    fn make_tables(tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        tx.execute("CREATE TABLE sums (stream TEXT PRIMARY KEY, sum INTEGER)", ())?;
        Ok(())
    }

    fn write_held(&mut self, tx: &mut SqliteTables<'_>) -> Result<(), HandlerError> {
        self.0.drain(..).try_for_each(|(stream, number)| add(tx, &stream, number).map(drop))?;
        Ok(())
    }
}

fn event(order_id: u64, stream: &str, payload: &str) -> Arc<RecordedEvent> {
    Arc::new(RecordedEvent {
        id: EventId::generate(),
        stream: StreamName::parse(stream).unwrap(),
        version: Version(order_id),
        order_id: OrderId(order_id),
        time: Timestamp::UNIX_EPOCH,
        event_type: "Any".into(),
        schema: Schema::Number(1),
        payload: Payload::of(&payload).unwrap(),
        tags: Vec::new(),
        metadata: Arc::new(Metadata::default()),
    })
}

fn opening(file: &std::path::Path, epoch: u64) -> Opening {
    Opening {
        origin: None,
        file: file.to_owned(),
        epoch,
        provided: Provided::default(),
        clock: Arc::new(SystemClock),
        pulse: Arc::new(Pulse::new()),
        flood: Arc::default(),
    }
}

/// A file for one test.
struct File(std::path::PathBuf);

impl File {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("newton-test-{}.db", uuid::Uuid::new_v4())))
    }

    fn open(&self, epoch: u64) -> crate::Result<Writer<Sums>> {
        Writer::open(opening(&self.0, epoch)).map(|(writer, _)| writer)
    }

    fn rows(&self, sql: &str) -> Vec<(String, i64)> {
        let connection = rusqlite::Connection::open(&self.0).unwrap();
        let mut rows = connection.prepare(sql).unwrap();
        rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn sums(&self) -> Vec<(String, i64)> {
        self.rows("SELECT stream, sum FROM sums ORDER BY stream")
    }

    fn parked(&self) -> Vec<(String, i64)> {
        self.rows("SELECT key, order_id FROM newton_projections_parked ORDER BY order_id")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", self.0.display()));
        }
    }
}

#[test]
fn a_late_node_cannot_write() {
    let file = File::new();
    let mut late = file.open(1).unwrap();
    late.apply(&[event(1, "a/b", "")], OrderId(1)).unwrap();
    let mut later = file.open(2).unwrap();
    let error = late.apply(&[event(2, "a/b", "")], OrderId(2)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::StateConflict { .. }), "{error}");
    later.apply(&[event(2, "a/b", "")], OrderId(2)).unwrap();
    assert!(late.retry("a/b", &std::collections::HashMap::new()).is_err());
    assert!(late.drop_first("a/b", "it is a test").is_err());
    assert!(matches!(file.open(1).err().unwrap().kind(), ErrorKind::StateConflict { .. }));
    assert_eq!(file.sums(), [("a/b".to_owned(), 3)]);
}

/// Two nodes that both believe in one epoch, as where a lease is broken: the checkpoint tells them apart.
#[test]
fn not_even_the_same_epoch_applies_twice() {
    let file = File::new();
    let (mut one, mut two) = (file.open(1).unwrap(), file.open(1).unwrap());
    one.apply(&[event(1, "a/b", "")], OrderId(1)).unwrap();
    assert!(two.apply(&[event(1, "a/b", "")], OrderId(1)).is_err());
    assert_eq!(file.sums(), [("a/b".to_owned(), 1)]);
}

#[test]
fn every_split_into_batches_gives_the_same() {
    let streams = ["s/1", "s/2", "s/3", "s/4", "s/5"];
    let payload = |number: usize| match number {
        7 => "fail",
        11 => "panic",
        13 => "commit",
        _ => "",
    };
    let events: Vec<_> = (1..=40).map(|n| event(n as u64, streams[n % 5], payload(n))).collect();
    let mut outcomes = Vec::new();
    for size in 1..=events.len() {
        let file = File::new();
        let mut writer = file.open(1).unwrap();
        for batch in events.chunks(size) {
            writer.apply(batch, batch.last().unwrap().order_id).unwrap();
        }
        outcomes.push((file.sums(), file.parked()));
    }
    let (sums, parked) = &outcomes[0];
    assert!(outcomes.iter().all(|outcome| outcome == &outcomes[0]), "{outcomes:?}");
    // 7, 11 and 13 fail, and with each go the later events of its stream.
    assert_eq!(
        parked.len(),
        (7..=40).step_by(5).count() + (11..=40).step_by(5).count() + (13..=40).step_by(5).count()
    );
    let whole: i64 = (1..=40).sum::<i64>() - parked.iter().map(|(_, order_id)| order_id).sum::<i64>();
    assert_eq!(sums.iter().map(|(_, sum)| sum).sum::<i64>(), whole);
}

#[test]
fn a_flood_of_failures_is_not_parked() {
    let file = File::new();
    let mut writer = file.open(1).unwrap();
    let failing: Vec<_> = (1..=150).map(|n| event(n, &format!("s/{n}"), "fail")).collect();
    let error = writer.apply(&failing, OrderId(150)).unwrap_err();
    assert!(error.to_string().contains("in a row"), "{error}");
    assert_eq!((file.sums(), file.parked()), (Vec::new(), Vec::new()));
}
