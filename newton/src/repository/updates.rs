//! One aggregate's states as a stream.

use futures_util::{Stream, stream};

use crate::domain::{Aggregate, AggregateId, Version};
use crate::error::{ErrorKind, Result};
use crate::repository::fold::Fold;
use crate::repository::{Loaded, Repository};
use crate::store::{EventStore, Head, Load};

/// Where a stream of states stands.
struct Updates<A: Aggregate> {
    repository: Repository<A>,
    id: AggregateId,
    fold: Fold<A>,
    head: Option<Head>,
    started: bool,
}

/// The present state and then each new one.
pub(crate) fn updates<A: Aggregate>(
    repository: Repository<A>,
    id: AggregateId,
) -> impl Stream<Item = Result<Loaded<A>>> + Send {
    let start = Updates { repository, id, fold: Fold::default(), head: None, started: false };
    stream::try_unfold(start, async |mut updates| Ok(updates.next().await?.map(|loaded| (loaded, updates))))
}

impl<A: Aggregate> Updates<A> {
    async fn next(&mut self) -> Result<Option<Loaded<A>>> {
        let events = self.repository.environment().events.clone();
        let mut head = match self.head.take() {
            Some(head) => head,
            None => events.head().await?,
        };
        loop {
            // The head is noted before the read: an event that comes in between wakes the wait below.
            let seen = head.current();
            let moved = if self.started { self.step().await? } else { self.start().await? };
            match moved {
                Moved::To(loaded) => {
                    self.head = Some(head);
                    return Ok(Some(loaded));
                }
                Moved::Nowhere => head.beyond(seen).await.map(drop)?,
                Moved::Away => return Ok(None),
            }
        }
    }

    /// The present state, whole.
    async fn start(&mut self) -> Result<Moved<A>> {
        self.started = true;
        let stream = self.repository.stream(&self.id);
        match self.repository.rehydrate(&self.id, &stream).await {
            Ok(fold) => self.fold = fold,
            Err(error) if *error.kind() == ErrorKind::Deleted => return Ok(Moved::Away),
            Err(error) => return Err(error),
        }
        Ok(if self.fold.version == Version::EMPTY { Moved::Nowhere } else { Moved::To(self.loaded()) })
    }

    /// The next event, folded.
    async fn step(&mut self) -> Result<Moved<A>> {
        let stream = self.repository.stream(&self.id);
        let load = Load { stream: stream.clone(), after: self.fold.version, limit: 1 };
        let slice = self.repository.environment().events.load(load).await?;
        if !slice.events.is_empty() {
            self.fold.extend(&stream, &slice.events)?;
            return Ok(Moved::To(self.loaded()));
        }
        Ok(if slice.deleted { Moved::Away } else { Moved::Nowhere })
    }

    fn loaded(&self) -> Loaded<A> {
        Loaded { id: self.id.clone(), state: self.fold.state.clone(), version: self.fold.version }
    }
}

enum Moved<A> {
    To(Loaded<A>),
    Nowhere,
    Away,
}
