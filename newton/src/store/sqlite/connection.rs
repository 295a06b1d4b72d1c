//! Connections: one that writes, and those that read.

use std::ffi::{c_int, c_void};
use std::path::Path;
use std::sync::Once;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::failure::Outcome;
use super::options::{SqliteOptions, Synchronous};
use super::schema;
use crate::error::{Error, ErrorKind};

/// Opens the connection that writes; makes the file and its tables where they are missing.
pub(super) fn writer(file: &Path, options: &SqliteOptions) -> Outcome<Connection> {
    check_path(file)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = connect(file, flags, options)?;
    keep_plans(&connection)?;
    if connection.is_readonly("main")? {
        let message = "the file may not be written; change its permissions, or those of its folder";
        return Err(Error::new(ErrorKind::ReadOnly, "open store", message)
            .with("file", file.display())
            .into());
    }
    if let Some(pages) = options.max_page_count {
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    schema::prepare(&mut connection, file)?;
    use_wal(&connection, options.busy_timeout)?;
    connection.pragma_update(None, "synchronous", options.synchronous.pragma())?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_KEPT_BYTES, |_| Ok(()))?;
    set_cache(&connection, options.cache_bytes)?;
    Ok(connection)
}

/// The bytes that the write-ahead log keeps on the disk after it was emptied.
const WAL_KEPT_BYTES: i64 = 32 * 1024 * 1024;

/// Opens a connection that reads; the file must be there.
pub(super) fn reader(file: &Path, options: &SqliteOptions, cache_bytes: usize) -> Outcome<Connection> {
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY, options)?;
    keep_plans(&connection)?;
    set_cache(&connection, cache_bytes)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Opens a file of read models: one of its own, made where it is missing, or the one of the events.
///
/// A power cut may take back its last transactions, checkpoints included: their events are then applied again.
pub(crate) fn open_beside(file: &Path, read_only: bool) -> rusqlite::Result<Connection> {
    const CACHE_BYTES: usize = 16 * 1024 * 1024;
    let options = SqliteOptions::default();
    // A file that a killed process left may have to be mended by whoever opens it first, which a read-only one cannot.
    let create = if read_only { OpenFlags::empty() } else { OpenFlags::SQLITE_OPEN_CREATE };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | create;
    let connection = connect(file, flags, &options)?;
    if read_only {
        connection.pragma_update(None, "query_only", true)?;
    } else {
        use_wal(&connection, options.busy_timeout)?;
        connection.pragma_update(None, "synchronous", Synchronous::Normal.pragma())?;
    }
    set_cache(&connection, CACHE_BYTES)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Runs a read inside a transaction of its own on the connection that `reader` has.
pub(super) fn in_transaction<R, T>(
    reader: &mut R,
    connection: impl Fn(&R) -> &Connection,
    read: impl FnOnce(&mut R) -> Outcome<T>,
) -> Outcome<T> {
    connection(reader).prepare_cached("BEGIN")?.raw_execute()?;
    let outcome = read(reader);
    let connection = connection(reader);
    let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.raw_execute());
    if ended.is_err() && !connection.is_autocommit() {
        // Nothing was written; the next `BEGIN` reports a connection that cannot be used any more.
        let _ = connection.execute_batch("ROLLBACK");
    }
    outcome
}

fn connect(file: &Path, flags: OpenFlags, options: &SqliteOptions) -> rusqlite::Result<Connection> {
    count_no_memory();
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match &options.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(file, flags, vfs.as_str())?,
        None => Connection::open_with_flags(file, flags)?,
    };
    connection.busy_timeout(options.busy_timeout)?;
    widen_lookaside(&connection);
    Ok(connection)
}

/// Gives the connection more of the small pieces of memory that SQLite keeps at hand. The prepared statements hold on to
/// those there are by default, and every cursor of every statement would be allocated anew.
fn widen_lookaside(connection: &Connection) {
    const PIECE_BYTES: c_int = 1_200;
    const PIECES: c_int = 512;
    // SAFETY: the handle lives as long as `connection`, which nobody else uses yet; the option takes a buffer, which SQLite
    // allocates itself where it is null, and two `int`s. Where it is refused, everything works as before.
    unsafe {
        let buffer = std::ptr::null_mut::<c_void>();
        let option = rusqlite::ffi::SQLITE_DBCONFIG_LOOKASIDE;
        rusqlite::ffi::sqlite3_db_config(connection.handle(), option, buffer, PIECE_BYTES, PIECES);
    }
}

/// Turns SQLite's count of its memory off, which takes a lock of the whole process for every allocation. Where the
/// program has used SQLite before, it is too late and stays on.
fn count_no_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: this option takes one `int`. SQLite refuses it, without effect, once it is initialized; `Once` keeps
        // Newton's own threads from racing here.
        unsafe { rusqlite::ffi::sqlite3_config(rusqlite::ffi::SQLITE_CONFIG_MEMSTATUS, 0) };
    });
}

/// Lets a prepared statement keep its plan whatever is bound to it. SQLite would plan each statement with a bound `LIMIT`
/// anew, for every number of rows.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn set_cache(connection: &Connection, bytes: usize) -> rusqlite::Result<()> {
    // A negative size is in KiB.
    let size = -i64::try_from(bytes / 1024).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", size)
}

/// Switches to the write-ahead log. SQLite does not wait where two processes switch a new file at once; this does.
fn use_wal(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < patience =>
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            result => return result,
        }
    }
}

/// Refuses paths for which SQLite's own message would not say what is wrong.
fn check_path(file: &Path) -> Result<(), Error> {
    let refuse =
        |kind, message: &str| Err(Error::new(kind, "open store", message).with("file", file.display()));
    if file.is_dir() {
        return refuse(ErrorKind::InvalidInput, "the path is a folder; give the path of a file in it");
    }
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            refuse(ErrorKind::NotFound, "the folder of the file does not exist; create it")
        }
        _ => Ok(()),
    }
}

impl Synchronous {
    fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
            Self::Off => "OFF",
        }
    }
}
