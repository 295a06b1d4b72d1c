//! Bad input: each gets a clear error that names the thing and the remedy; nothing is lost and nothing panics.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use newton::store::sqlite::{SqliteOptions, SqliteStore};
use newton::store::{EventStore, EventStoreExt, Read, Selection};
use newton::{Error, ErrorKind};
use rusqlite::Connection;

use super::support::{Temporary, append, event};

fn refused(file: &Path) -> Error {
    let error = SqliteStore::open(file, SqliteOptions::default()).unwrap_err();
    assert!(error.to_string().contains(&*file.to_string_lossy()), "the file is not named: {error}");
    error
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.db");
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&file).unwrap();
    assert_eq!(*refused(&file).kind(), ErrorKind::Incompatible);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "some notes, and by no means a database\n".repeat(100)).unwrap();
    assert_eq!(*refused(&file).kind(), ErrorKind::Incompatible);
}

#[test]
fn a_newer_schema_is_refused() {
    let (_folder, file) = Temporary::open().close();
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let error = refused(&file);
    assert_eq!(*error.kind(), ErrorKind::Incompatible);
    assert!(error.to_string().contains("use a newer Newton"), "{error}");
}

#[test]
fn a_missing_folder_and_a_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(*refused(&folder.path().join("missing/events.db")).kind(), ErrorKind::NotFound);
    assert_eq!(*refused(folder.path()).kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn an_unknown_url_or_option_names_what_exists() {
    let cases = [
        ("oracle://x", "sqlite://path.db"),
        ("sqlite:bank.db", "sqlite://path.db"),
        ("sqlite://", "sqlite://path.db"),
        ("sqlite://x.db?sync=off", "synchronous"),
    ];
    for (url, part) in cases {
        let error = newton::store::open(url).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(part), "{error}");
    }
}

async fn filled() -> (tempfile::TempDir, std::path::PathBuf) {
    let store = Temporary::open();
    for _ in 0..20 {
        append(&store, "bank/Account/a", (0..50).map(|_| event(500)).collect()).await.unwrap();
    }
    store.close()
}

/// Opens, reads and verifies; gives the first error, or what verify found.
async fn look_through(file: &Path) -> Result<Vec<String>, Error> {
    let store = SqliteStore::open(file, SqliteOptions::default())?;
    store.read_all(Read::of(Selection::All)).await?;
    Ok(store.verify().await?.problems)
}

#[tokio::test]
async fn a_truncated_file_is_found_out() {
    for part in [2, 4, 50] {
        let (_folder, file) = filled().await;
        let whole = fs::metadata(&file).unwrap().len();
        fs::File::options().write(true).open(&file).unwrap().set_len(whole / part).unwrap();
        let found = look_through(&file).await;
        match found {
            Ok(problems) => assert!(!problems.is_empty(), "1/{part} of the file passed for whole"),
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Corrupt, "{error}"),
        }
    }
}

#[tokio::test]
async fn overwritten_pages_are_found_out() {
    let pages = { fs::metadata(filled().await.1).map_or(100, |metadata| metadata.len() / 4096) };
    for page in (1..pages).step_by(usize::try_from(pages / 12).unwrap().max(1)) {
        let (_folder, file) = filled().await;
        let mut damaged = fs::File::options().write(true).open(&file).unwrap();
        damaged.seek(SeekFrom::Start(page * 4096)).unwrap();
        damaged.write_all(&[0xA5; 4096]).unwrap();
        drop(damaged);
        match look_through(&file).await {
            Ok(problems) => assert!(!problems.is_empty(), "damage to page {page} was not found"),
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Corrupt, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_ends_when_space_is_there() {
    let limited = SqliteOptions { max_page_count: Some(100), ..SqliteOptions::default() };
    let store = Temporary::with(limited);
    let mut acknowledged = 0;
    let error = loop {
        match append(&store, "bank/Account/a", vec![event(10_000)]).await {
            Ok(appended) => acknowledged = appended.order_id.0,
            Err(error) => break error,
        }
    };
    assert_eq!(*error.kind(), ErrorKind::Full);
    assert!(error.to_string().contains("max_page_count"), "{error}");
    assert_eq!(store.head().await.unwrap().current().0, acknowledged);
    let (_folder, file) = store.close();
    let store = SqliteStore::open(&file, SqliteOptions::default()).unwrap();
    assert_eq!(store.verify().await.unwrap().events, acknowledged);
    let appended = append(&store, "bank/Account/a", vec![event(10_000)]).await.unwrap();
    assert_eq!(appended.order_id.0, acknowledged + 1);
}

#[tokio::test]
async fn an_append_that_does_not_fit_fails_alone() {
    let store = Temporary::with(SqliteOptions { max_page_count: Some(200), ..SqliteOptions::default() });
    for _ in 0..5 {
        let appends = (0..20).map(|index| {
            let (store, bytes) = (&store, if index == 7 { 2_000_000 } else { 10 });
            async move { append(store, &format!("bank/Account/{index}"), vec![event(bytes)]).await.is_ok() }
        });
        let outcomes = futures_of(appends).await;
        assert_eq!(outcomes.iter().filter(|ok| !**ok).count(), 1, "{outcomes:?}");
    }
    assert!(store.verify().await.unwrap().is_sound());
}

/// Runs all at once, so that they wait for one commit.
async fn futures_of<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (future, output) in waiting.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(value) => *output = Some(value),
                std::task::Poll::Pending => all = false,
            }
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn an_event_above_the_limit_names_the_limit() {
    let store = Temporary::with(SqliteOptions { max_event_bytes: 100, ..SqliteOptions::default() });
    let error = append(&store, "bank/Account/a", vec![event(100)]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("at most 100"), "{error}");
}
