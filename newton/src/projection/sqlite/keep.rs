//! The files of a projection for the loop that runs it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::watch;

use super::origin;
use super::place::{Generations, Place};
use super::pool::{Pool, Reading};
use super::pulse::Pulse;
use super::replica::SqliteReplica;
use super::tables::Tables;
use super::worker::Worker;
use super::writer::{Opening, Writer};
use crate::domain::{Name, OrderId};
use crate::error::{Error, ErrorKind, Result};
use crate::projection::SqliteProjection;
use crate::projection::guard::Flood;
use crate::projection::keep::Keep;
use crate::projection::parked::{self, Note};
use crate::store::Read;
use crate::subscription::{Assembly, Dropped, Lease, Monitor, ParkedKey, Parking, Provided, Runtime};
use crate::sync::lock;

/// A projection's files.
pub(in crate::projection) struct Sqlite<P> {
    runtime: Arc<Runtime>,
    monitor: Arc<Monitor>,
    provided: Provided,
    shared: Arc<Shared>,
    flood: Arc<Flood>,
    rebuild_changed: bool,
    running: Mutex<Option<Running<P>>>,
}

/// The live copy while this node writes it.
struct Running<P> {
    worker: Arc<Worker<Writer<P>>>,
    is_changed: bool,
}

/// What readers need to know.
#[derive(Debug)]
pub(super) struct Shared {
    place: Place,
    /// The live file, while this node knows better than the record.
    live: watch::Sender<Option<Arc<Pool>>>,
    /// The live file by the record, while another node writes it.
    others: Mutex<Option<Arc<Pool>>>,
}

impl Shared {
    /// A connection to the live file. Where nobody has made it yet, this waits for the start to do it.
    pub(super) async fn connect(&self) -> Result<Reading> {
        let own = self.live.borrow().clone();
        if let Some(pool) = own
            && let Ok(reading) = pool.connect().await
        {
            return Ok(reading);
        }
        let by_record = |generation| async move {
            let Some(pool) = self.by_record(generation).await? else { return Ok(None) };
            pool.connect().await.map(Some)
        };
        match self.look(by_record).await? {
            Some(reading) => Ok(reading),
            None => self.opened().await?.connect().await,
        }
    }

    /// Looks at the live file by the record, and again where another node has meanwhile gone on to another one: it removes
    /// the one before, and whatever comes of that is not to be told.
    async fn look<T, F>(&self, look: impl Fn(u64) -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let mut generation = self.place.generations().await?.live;
        loop {
            let looked = look(generation).await;
            if let Ok(Some(_)) = looked {
                return looked;
            }
            let live = self.place.generations().await?.live;
            if live == generation {
                return looked;
            }
            generation = live;
        }
    }

    /// The live file, once the start has made it.
    async fn opened(&self) -> Result<Arc<Pool>> {
        let mut live = self.live.subscribe();
        let opened = tokio::time::timeout(std::time::Duration::from_secs(30), live.wait_for(Option::is_some));
        match opened.await {
            Ok(Ok(pool)) => pool.clone().ok_or_else(not_there),
            _ => Err(not_there()),
        }
    }

    async fn by_record(&self, generation: u64) -> Result<Option<Arc<Pool>>> {
        let file = self.place.file(generation);
        let known = self.others().clone().filter(|pool| pool.file() == file);
        if known.is_some() || !file.exists() {
            return Ok(known);
        }
        let (pool, tables) = (Arc::new(Pool::new(file)), Tables(self.place.name()));
        if !pool.clone().connect().await?.read(move |file| tables.is_there(file)).await? {
            return Ok(None);
        }
        *self.others() = Some(pool.clone());
        Ok(Some(pool))
    }

    fn others(&self) -> std::sync::MutexGuard<'_, Option<Arc<Pool>>> {
        lock(&self.others)
    }
}

fn not_there() -> Error {
    let message = "the projection has no data yet; see its status for the reason";
    Error::new(ErrorKind::Unavailable, "query projection", message)
}

impl<P: SqliteProjection> Sqlite<P> {
    pub(in crate::projection) fn new(assembly: &Assembly, monitor: Arc<Monitor>) -> Result<Self> {
        // Whatever is missing is to be told by the start.
        P::build(&assembly.provided)?;
        let place = Place::new(P::NAME, P::SHARED, assembly)?;
        let shared = Shared { place, live: watch::Sender::new(None), others: Mutex::default() };
        Ok(Self {
            runtime: assembly.runtime.clone(),
            monitor,
            provided: assembly.provided.clone(),
            shared: Arc::new(shared),
            flood: Arc::default(),
            rebuild_changed: assembly.rebuild_changed,
            running: Mutex::default(),
        })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    async fn replica(&self, generation: u64, lease: Option<&Lease>) -> Result<SqliteReplica<P>> {
        let file = self.shared.place.file(generation);
        let origin = origin::check(P::NAME, P::SHARED, file.clone(), &*self.runtime.events).await?;
        let opening = Opening {
            file,
            origin,
            epoch: lease.map_or(0, Lease::epoch),
            provided: self.provided.clone(),
            clock: self.runtime.clock.clone(),
            pulse: Arc::new(Pulse::new()),
            flood: self.flood.clone(),
        };
        SqliteReplica::open(opening, generation, self.monitor.clone()).await
    }

    /// Makes a copy the one that readers see and parked work goes to; gives the one they saw before.
    fn serve(&self, replica: &SqliteReplica<P>) -> Option<Arc<Pool>> {
        let running = Running { worker: replica.worker.clone(), is_changed: replica.is_changed };
        *self.running() = Some(running);
        let pool = Pool::new(self.shared.place.file(replica.generation));
        self.shared.live.send_replace(Some(Arc::new(pool)))
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running<P>>> {
        lock(&self.running)
    }

    fn worker(&self) -> Result<Arc<Worker<Writer<P>>>> {
        self.running().as_ref().map(|running| running.worker.clone()).ok_or_else(|| {
            let message =
                "this node does not run the projection at present; ask the node that does, or try again";
            Error::new(ErrorKind::Unavailable, "change parked work", message).with("projection", P::NAME)
        })
    }

    /// The first notes of a key.
    async fn notes(&self, key: &str) -> Result<Vec<Note>> {
        let (live, owned) = (self.shared.connect().await?, key.to_owned());
        let notes = live.read(move |file| Tables(P::NAME).notes(file, Some(&owned), Read::PAGE)).await?;
        if notes.is_empty() {
            let message = "no such key is parked; list the parked ones";
            return Err(Error::new(ErrorKind::NotFound, "look for parked key", message).with("key", key));
        }
        Ok(notes.into_iter().map(|(_, note)| note).collect())
    }
}

#[async_trait]
impl<P: SqliteProjection> Keep for Sqlite<P> {
    type Replica = SqliteReplica<P>;

    const LEASED: bool = true;

    async fn open(&self, lease: Option<&Lease>) -> Result<SqliteReplica<P>> {
        let generations = self.shared.place.generations().await?;
        self.shared.place.tidy(generations)?;
        let replica = self.replica(generations.live, lease).await?;
        if replica.is_changed {
            tracing::warn!(
                projection = P::NAME,
                "its code has changed since its data was made; the new code goes on with the old data until it is rebuilt"
            );
        }
        self.serve(&replica);
        Ok(replica)
    }

    async fn close(&self) {
        self.running().take();
        self.shared.live.send_replace(None);
    }

    async fn wants_rebuild(&self) -> Result<bool> {
        let cut_off = self.shared.place.generations().await?.next.is_some();
        Ok(cut_off || (self.rebuild_changed && self.is_changed()))
    }

    async fn open_next(&self, lease: Option<&Lease>) -> Result<SqliteReplica<P>> {
        let place = &self.shared.place;
        if place.is_shared() {
            let message = "its tables are in the file of the events, where they cannot be built a second time beside the \
                           live ones; take `shared` out, or drop its tables and its row in `newton_projections` while no app runs";
            return Err(Error::new(ErrorKind::Unsupported, "rebuild projection", message));
        }
        let Generations { live, next } = place.generations().await?;
        let generation = next.unwrap_or(live + 1);
        // Recorded before the file is there: whatever a crash leaves is known, and gone on with.
        place.write(Generations { live, next: Some(generation) }, lease).await?;
        match self.replica(generation, lease).await {
            Ok(replica) if !replica.is_changed => return Ok(replica),
            // Half built by yet another version of the code, or from another log.
            Ok(changed) => drop(changed),
            Err(error) if *error.kind() == ErrorKind::Incompatible => {}
            Err(error) => return Err(error),
        }
        let generation = generation + 1;
        place.write(Generations { live, next: Some(generation) }, lease).await?;
        self.replica(generation, lease).await
    }

    async fn switch(&self, built: &mut SqliteReplica<P>, lease: Option<&Lease>) -> Result<()> {
        let generations = Generations { live: built.generation, next: None };
        self.shared.place.write(generations, lease).await?;
        if let Some(old) = self.serve(built) {
            old.retire();
        }
        Ok(())
    }

    fn is_changed(&self) -> bool {
        self.running().as_ref().is_some_and(|running| running.is_changed)
    }

    async fn stored_position(&self) -> Result<Option<OrderId>> {
        let look = |generation| async move {
            let Some(pool) = self.shared.by_record(generation).await? else { return Ok(None) };
            let row = pool.connect().await?.read(|file| Tables(P::NAME).row(file)).await?;
            Ok(row.map(|row| row.checkpoint))
        };
        self.shared.look(look).await
    }
}

#[async_trait]
impl<P: SqliteProjection> Parking for Sqlite<P> {
    async fn list(&self) -> Result<Vec<ParkedKey>> {
        let live = self.shared.connect().await?;
        let notes = live.read(|file| Tables(P::NAME).notes(file, None, usize::MAX)).await?;
        let mut keys: Vec<(Name, Vec<Note>)> = Vec::new();
        for (key, note) in notes {
            match keys.last_mut() {
                Some((last, notes)) if *last == key => notes.push(note),
                _ => keys.push((key, vec![note])),
            }
        }
        parked::list(&Name::from_static(P::NAME), keys, &*self.runtime.events).await
    }

    async fn retry(&self, key: &str) -> Result<usize> {
        let mut handled = 0;
        loop {
            let notes = self.notes(key).await?;
            let (many, worker) = (notes.len(), self.worker()?);
            let (owned, events) = (key.to_owned(), parked::fetch(&notes, &*self.runtime.events).await?);
            let retry =
                move |writer: &mut Writer<P>| Ok((writer.retry(&owned, &events)?, writer.parked_keys()));
            let (step, parked_keys) = worker.run(retry).await?;
            self.monitor.parked_keys(parked_keys);
            handled += step;
            if step < many || many < Read::PAGE {
                return Ok(handled);
            }
        }
    }

    async fn drop_first(&self, key: &str, reason: &str) -> Result<()> {
        let more = self.notes(key).await?.len() > 1;
        let (owned, reason) = (key.to_owned(), reason.to_owned());
        let drop_first = move |writer: &mut Writer<P>| {
            writer.drop_first(&owned, &reason)?;
            Ok(writer.parked_keys())
        };
        self.monitor.parked_keys(self.worker()?.run(drop_first).await?);
        if more { self.retry(key).await.map(drop) } else { Ok(()) }
    }

    async fn dropped(&self) -> Result<Vec<Dropped>> {
        let live = self.shared.connect().await?;
        let given_up = live.read(|file| Tables(P::NAME).given_up(file)).await?;
        parked::dropped(given_up, &*self.runtime.events).await
    }

    async fn among(&self, first: OrderId, last: OrderId) -> Result<Option<Name>> {
        let live = self.shared.connect().await?;
        live.read(move |file| Tables(P::NAME).among(file, first, last)).await
    }
}

impl<P> std::fmt::Debug for Sqlite<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").field("shared", &self.shared).finish_non_exhaustive()
    }
}
