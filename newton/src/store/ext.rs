//! What callers get on top of the two traits: streams that page through, and shorthands.

use futures_util::stream::{self, Stream, TryStreamExt};

use crate::domain::RecordedEvent;
use crate::error::Result;
use crate::store::{EventStore, Read, Scan, StateRecord, StateStore, StreamInfo, Streams};

/// Comfort for callers of an [`EventStore`], whatever its type.
///
/// ```
/// use newton::store::{EventStoreExt, MemoryStore, Read, Selection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let store = MemoryStore::new();
/// let history = store.read_all(Read::of(Selection::All)).await?;
/// assert!(history.is_empty());
/// # Ok(())
/// # }
/// ```
pub trait EventStoreExt: EventStore {
    /// Every event of a read, page by page, up to the end as it is when the last page is read.
    ///
    /// A page holds at most the read's limit. The next one is read when the one before is used up; nothing is held
    /// open in between. An error ends the stream.
    fn events(&self, read: Read) -> impl Stream<Item = Result<RecordedEvent>> + Send {
        let next_page = move |read: Option<Read>| async move {
            let Some(read) = read else { return Ok(None) };
            let page = self.read(read.clone()).await?;
            Ok(Some((items(page.events), page.next.map(|next| read.from(next)))))
        };
        stream::try_unfold(Some(read), next_page).try_flatten()
    }

    /// Every event of a read at once: for results that are known to be small.
    fn read_all(&self, read: Read) -> impl Future<Output = Result<Vec<RecordedEvent>>> + Send {
        self.events(read).try_collect()
    }

    /// Every stream of a listing, page by page.
    fn all_streams(&self, streams: Streams) -> impl Stream<Item = Result<StreamInfo>> + Send {
        let next_page = move |mut streams: Streams| async move {
            let page = self.streams(streams.clone()).await?;
            let Some(last) = page.last() else { return Ok(None) };
            streams.after = Some(last.name.clone());
            Ok(Some((items(page), streams)))
        };
        stream::try_unfold(streams, next_page).try_flatten()
    }
}

/// Comfort for callers of a [`StateStore`], whatever its type.
pub trait StateStoreExt: StateStore {
    /// Every record of a scan, page by page; nothing is held open in between.
    fn records(&self, scan: Scan) -> impl Stream<Item = Result<StateRecord>> + Send {
        let next_page = move |mut scan: Scan| async move {
            let page = self.scan(scan.clone()).await?;
            let Some(last) = page.last() else { return Ok(None) };
            scan.after = Some(last.key.clone());
            Ok(Some((items(page), scan)))
        };
        stream::try_unfold(scan, next_page).try_flatten()
    }
}

fn items<T>(page: Vec<T>) -> impl Stream<Item = Result<T>> {
    stream::iter(page.into_iter().map(Ok))
}

impl<S: EventStore + ?Sized> EventStoreExt for S {}

impl<S: StateStore + ?Sized> StateStoreExt for S {}
