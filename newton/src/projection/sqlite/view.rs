//! What readers of a projection in SQLite are given.

use std::marker::PhantomData;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::keep::{Shared, Sqlite};
use super::tx::SqliteTx;
use crate::error::Result;
use crate::projection::SqliteProjection;
use crate::projection::projector::Projector;
use crate::projection::rebuild::Rebuildable;
use crate::projection::view::sealed;
use crate::subscription::Reaction;

/// The tables of a projection, to read. Each query sees the data between two transactions, and after a rebuild the new
/// data. Cloning is cheap.
#[derive(Debug)]
pub struct SqliteView<P>(Arc<Shared>, PhantomData<fn() -> P>);

impl<P> Clone for SqliteView<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<P> SqliteView<P> {
    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// SQLite's, and where there is no data yet.
    pub async fn query_row<T: Send + 'static>(
        &self,
        sql: impl Into<String>,
        parameters: impl Params + Send + 'static,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        let sql = sql.into();
        self.call(move |connection| connection.prepare_cached(&sql)?.query_row(parameters, read).optional())
            .await
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// As [`query_row`](Self::query_row).
    pub async fn query<T: Send + 'static>(
        &self,
        sql: impl Into<String>,
        parameters: impl Params + Send + 'static,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Vec<T>> {
        let sql = sql.into();
        self.call(move |connection| connection.prepare_cached(&sql)?.query_map(parameters, read)?.collect())
            .await
    }

    /// Reads with a connection that cannot write, on a thread that may wait. For several queries that are to see the
    /// same data, begin a transaction on it, and end it.
    ///
    /// # Errors
    /// As [`query_row`](Self::query_row).
    pub async fn call<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.connect().await?.read(read).await
    }
}

#[allow(private_interfaces, reason = "it seals a public trait; nobody outside can name it")]
impl<P: SqliteProjection> sealed::Open<P> for SqliteTx<'_> {
    type Access = SqliteView<P>;

    fn open(reaction: &Arc<dyn Reaction>) -> Option<SqliteView<P>> {
        let projector = reaction.as_any().downcast_ref::<Projector<Sqlite<P>>>()?;
        Some(SqliteView(projector.keep.shared(), PhantomData))
    }

    fn rebuildable(reaction: &Arc<dyn Reaction>) -> Option<&dyn Rebuildable> {
        Some(reaction.as_any().downcast_ref::<Projector<Sqlite<P>>>()?)
    }
}
