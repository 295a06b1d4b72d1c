//! What can be seen of a projection, by where its data is.

use std::fmt::Debug;

use crate::app::App;
use crate::error::Result;
#[cfg(feature = "sqlite")]
use crate::error::{Error, ErrorKind};
#[cfg(feature = "sqlite")]
use crate::projection::rusqlite::Connection;
use crate::projection::{MemoryProjection, MemoryView, Projection, View, Viewed};

/// The context of a projection's handlers, which says what can be seen of it. Not to be implemented.
pub trait Sighted<P: Projection>: Viewed<P> {
    /// What a test is shown: the value where it is in memory, a connection where it is in SQLite.
    type Sight;

    /// What can be compared.
    #[doc(hidden)]
    type Contents: PartialEq + Send;

    /// Shows it.
    #[doc(hidden)]
    fn show<T>(place: Place<P>, look: impl FnOnce(&Self::Sight) -> T) -> Result<T>;

    /// All that it shows, to be compared.
    #[doc(hidden)]
    fn contents(place: Place<P>) -> Result<Self::Contents>;

    /// The same as text.
    #[doc(hidden)]
    fn text(contents: &Self::Contents) -> String;

    /// Where the data is.
    #[doc(hidden)]
    fn place(app: App) -> impl Future<Output = Result<Place<P>>> + Send;
}

/// Where the data of a projection is.
#[derive(Debug)]
#[doc(hidden)]
pub enum Place<P> {
    /// In memory.
    Memory(MemoryView<P>),
    /// In a file.
    #[cfg(feature = "sqlite")]
    File(std::path::PathBuf),
}

/// A value that can be compared, kept apart from the app that made it.
#[derive(Debug)]
#[doc(hidden)]
pub struct Kept<P>(MemoryView<P>);

impl<P: PartialEq> PartialEq for Kept<P> {
    fn eq(&self, other: &Self) -> bool {
        *self.0.read() == *other.0.read()
    }
}

impl<P: MemoryProjection + Debug + PartialEq> Sighted<P> for View<'static> {
    type Sight = P;
    type Contents = Kept<P>;

    fn show<T>(place: Place<P>, look: impl FnOnce(&P) -> T) -> Result<T> {
        match place {
            Place::Memory(view) => Ok(view.with(look)),
            #[cfg(feature = "sqlite")]
            Place::File(_) => Err(elsewhere()),
        }
    }

    fn contents(place: Place<P>) -> Result<Kept<P>> {
        match place {
            Place::Memory(view) => Ok(Kept(view)),
            #[cfg(feature = "sqlite")]
            Place::File(_) => Err(elsewhere()),
        }
    }

    fn text(contents: &Kept<P>) -> String {
        format!("{:#?}", *contents.0.read())
    }

    async fn place(app: App) -> Result<Place<P>> {
        app.view::<P>().map(Place::Memory)
    }
}

#[cfg(feature = "sqlite")]
impl<P: crate::projection::SqliteProjection> Sighted<P> for crate::projection::SqliteTx<'static> {
    type Sight = Connection;
    type Contents = Vec<String>;

    fn show<T>(place: Place<P>, look: impl FnOnce(&Connection) -> T) -> Result<T> {
        Ok(look(&open(place)?))
    }

    fn contents(place: Place<P>) -> Result<Vec<String>> {
        let tables = open(place)?;
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                     AND name NOT LIKE 'newton\\_%' ESCAPE '\\' ORDER BY name";
        let mut contents = Vec::new();
        for name in rows(&tables, names)?.into_iter().flatten() {
            let sql = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
            let mut lines: Vec<_> = rows(&tables, &sql)?.iter().map(|row| row.join(" | ")).collect();
            lines.sort();
            contents.extend(lines.into_iter().map(|line| format!("{name}: {line}")));
        }
        Ok(contents)
    }

    fn text(contents: &Vec<String>) -> String {
        contents.join("\n")
    }

    async fn place(app: App) -> Result<Place<P>> {
        let path = app.view::<P>()?.call(|tables| Ok(tables.path().map(Into::into))).await?;
        path.map(Place::File).ok_or_else(elsewhere)
    }
}

#[cfg(feature = "sqlite")]
fn open<P>(place: Place<P>) -> Result<Connection> {
    use crate::projection::rusqlite::OpenFlags;

    let Place::File(file) = place else { return Err(elsewhere()) };
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| unreadable(&error))
}

/// The rows of a query, each value as text.
#[cfg(feature = "sqlite")]
pub(super) fn rows(tables: &Connection, sql: &str) -> Result<Vec<Vec<String>>> {
    use crate::projection::rusqlite::types::ValueRef;

    let read = || {
        let mut statement = tables.prepare(sql)?;
        let columns = statement.column_count();
        let text = |value: ValueRef<'_>| match value {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(value) => value.to_string(),
            ValueRef::Real(value) => value.to_string(),
            ValueRef::Text(value) => String::from_utf8_lossy(value).into_owned(),
            ValueRef::Blob(value) => format!("{value:02x?}"),
        };
        let row = |row: &crate::projection::rusqlite::Row<'_>| {
            (0..columns).map(|column| row.get_ref(column).map(text)).collect::<Result<Vec<_>, _>>()
        };
        statement.query_map([], row)?.collect::<crate::projection::rusqlite::Result<_>>()
    };
    read().map_err(|error| unreadable(&error))
}

#[cfg(feature = "sqlite")]
fn unreadable(error: &crate::projection::rusqlite::Error) -> Error {
    Error::new(ErrorKind::InvalidInput, "look at projection", error.to_string())
}

#[cfg(feature = "sqlite")]
fn elsewhere() -> Error {
    Error::new(ErrorKind::Internal, "look at projection", "its data is elsewhere")
}
