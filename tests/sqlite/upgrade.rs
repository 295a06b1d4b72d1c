//! Files of older schemas are brought up to date when they are opened, whole or not at all.

use std::path::Path;
use std::sync::Arc;

use newton::domain::id::EventIds;
use newton::domain::{Metadata, NewEvent, Query};
use newton::store::sqlite::{SqliteOptions, SqliteStore};
use newton::store::{EventStoreExt, Read, Selection};
use newton::{CommandId, CorrelationId, ErrorKind, RecordedEvent};
use rusqlite::Connection;
use tempfile::TempDir;

use super::support::{Temporary, append, event, stream};

const STREAM: &str = "bank/Account/a";

/// An event of a command of its own, one of a request, and one of nothing, in a file as schema 1 left it.
async fn schema_1() -> (TempDir, std::path::PathBuf, Vec<RecordedEvent>) {
    let store = Temporary::open();
    let command = CommandId::generate();
    let of = |correlation_id: CorrelationId| {
        let correlation_id = Some(correlation_id);
        NewEvent { metadata: Arc::new(Metadata { correlation_id, ..Metadata::default() }), ..event(10) }
    };
    let own = NewEvent { id: EventIds::of(&command, &stream(STREAM)).at(0), ..of(command.into()) };
    append(&store, STREAM, vec![own, of("request-7".into()), event(10)]).await.unwrap();
    let events = store.read_all(Read::of(Selection::All)).await.unwrap();
    let (folder, file) = store.close();
    let connection = Connection::open(&file).unwrap();
    connection.execute_batch("DROP TABLE event_correlations; PRAGMA user_version = 1;").unwrap();
    (folder, file, events)
}

/// Every table, index and view, as SQLite keeps them.
fn tables(file: &Path) -> Vec<(String, Option<String>)> {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn schema_1_is_brought_up_to_date() {
    let (_folder, file, events) = schema_1().await;
    let store = SqliteStore::open(&file, SqliteOptions::default()).unwrap();
    assert_eq!(store.read_all(Read::of(Selection::All)).await.unwrap(), events);
    for event in &events[..2] {
        let correlation = event.metadata.correlation_id.clone().unwrap();
        let read = Read::of(Selection::Correlation(correlation)).matching(Query::all());
        assert_eq!(store.read_all(read).await.unwrap(), std::slice::from_ref(event));
    }
    assert!(store.verify().await.unwrap().is_sound());
    append(&store, STREAM, vec![event(10)]).await.unwrap();
    drop(store);
    let (_other_folder, fresh) = Temporary::open().close();
    assert_eq!(tables(&file), tables(&fresh));
}

#[tokio::test]
async fn an_older_file_in_use_is_left_as_it_is() {
    let (_folder, file, _) = schema_1().await;
    let other = Connection::open(&file).unwrap();
    other.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
    let before = tables(&file);
    let error = SqliteStore::open(&file, SqliteOptions::default()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("close the other programs"), "{error}");
    assert_eq!(tables(&file), before);
    drop(other);
    SqliteStore::open(&file, SqliteOptions::default()).unwrap();
}

#[tokio::test]
async fn a_backup_of_schema_1_is_opened_but_not_restored() {
    let (folder, file, events) = schema_1().await;
    let error = SqliteStore::restore(&file, folder.path().join("restored.db")).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Incompatible);
    assert!(error.to_string().contains("open a copy of it"), "{error}");
    std::fs::copy(&file, folder.path().join("copy.db")).unwrap();
    let store = SqliteStore::open(folder.path().join("copy.db"), SqliteOptions::default()).unwrap();
    assert_eq!(store.read_all(Read::of(Selection::All)).await.unwrap(), events);
}
