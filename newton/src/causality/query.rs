//! Asking a store who caused what.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt;

use super::build::{self, Fact};
use super::graph::Graph;
use super::node::{Node, NodeId};
use crate::domain::{CorrelationId, EventId, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::unique::is_reservation;
use crate::store::{EventStore, EventStoreExt, Read, Selection};

const ASK: &str = "ask for causality";

/// Asks a store who caused what.
///
/// A graph is made in memory. One of more events than the [`limit`](Self::limit) is refused, and never cut.
#[derive(Clone, Debug)]
pub struct Causality {
    events: Arc<dyn EventStore>,
    limit: usize,
}

impl Causality {
    /// The most events of one answer, unless [`limit`](Self::limit) says otherwise.
    pub const LIMIT: usize = 100_000;

    /// Asks this store.
    pub fn new(events: Arc<dyn EventStore>) -> Self {
        Self { events, limit: Self::LIMIT }
    }

    /// Answers with at most so many events. While it is asked, each of them takes up to two kilobytes of memory.
    #[must_use]
    pub fn limit(self, events: usize) -> Self {
        Self { limit: events, ..self }
    }

    /// The event, its cause, the cause of that, and so on up to the root: events, and between them commands, dispatches and
    /// timers. It goes on through other correlations. A cause that is not in the store is a [`Node::MissingEvent`] at
    /// the end; where the causes run in a circle, it ends after one round.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) where there is no such event, [`TooLarge`](ErrorKind::TooLarge) where more events
    /// than the limit lead to it, and the errors of the store.
    pub async fn causes(&self, event: impl Into<EventId>) -> Result<Vec<Node>> {
        let id = event.into();
        let (mut facts, mut sagas) = (Vec::new(), HashSet::new());
        let mut asked = HashSet::from([id.clone()]);
        let mut next = Some(self.known(&id).await?);
        loop {
            while let Some(event) = next {
                self.keep(&mut facts, Fact::of(&event))?;
                next = match &event.metadata.cause {
                    Some(cause) if asked.insert(cause.id.clone()) => self.find(&cause.id).await?,
                    _ => None,
                };
            }
            // Who sent a command, how often, and which timer ran out stands elsewhere in the stream of the saga.
            let on_the_way = facts.iter().filter(|fact| fact.record.is_some());
            let streams: HashSet<_> = on_the_way.map(|fact| fact.event.stream.clone()).collect();
            for stream in streams {
                if sagas.insert(stream.clone()) {
                    self.collect(Selection::Stream(stream), &mut facts).await?;
                }
            }
            let graph = build::graph(&mut facts);
            let path = graph.causes(&NodeId::Event(id.clone()));
            next = match path.last() {
                Some(Node::MissingEvent { id }) if asked.insert(id.clone()) => self.find(id).await?,
                _ => None,
            };
            if next.is_none() {
                return Ok(path.into_iter().cloned().collect());
            }
        }
    }

    /// The event and everything that came of it inside its correlation: see [`Graph::effects`].
    ///
    /// Whoever starts a correlation of its own because of an event is not among the effects: see
    /// [`Caller::caused_by`](crate::Caller::caused_by).
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) where there is no such event, [`TooLarge`](ErrorKind::TooLarge) where its
    /// correlation has more events than the limit, and the errors of the store.
    pub async fn effects(&self, event: impl Into<EventId>) -> Result<Graph> {
        let id = event.into();
        let event = self.known(&id).await?;
        let graph = match &event.metadata.correlation_id {
            Some(correlation) => self.correlation(correlation.clone()).await?,
            None => Graph::of([&event]),
        };
        Ok(graph.effects(&NodeId::Event(id)))
    }

    /// Everything of a correlation. A cause in another correlation is there too, as a root; the causes of that are not.
    /// Empty where there is no such correlation.
    ///
    /// # Errors
    /// [`TooLarge`](ErrorKind::TooLarge) where it has more events than the limit, and the errors of the store.
    pub async fn correlation(&self, id: impl Into<CorrelationId>) -> Result<Graph> {
        let id = id.into();
        let mut facts = Vec::new();
        self.collect(Selection::Correlation(id.clone()), &mut facts)
            .await
            .map_err(|error| error.with("correlation", id))?;
        let graph = build::graph(&mut facts);
        let missing: Vec<EventId> = graph.missing().cloned().collect();
        let elsewhere = self.events.read_all(Read::of(Selection::Ids(missing))).await?;
        if elsewhere.is_empty() {
            return Ok(graph);
        }
        facts.extend(elsewhere.iter().map(Fact::elsewhere));
        Ok(build::graph(&mut facts))
    }

    async fn find(&self, id: &EventId) -> Result<Option<RecordedEvent>> {
        let page = self.events.read(Read::of(Selection::Ids(vec![id.clone()]))).await?;
        Ok(page.events.into_iter().next())
    }

    async fn known(&self, id: &EventId) -> Result<RecordedEvent> {
        self.find(id).await?.ok_or_else(|| {
            let message = "the store has no such event; check the id";
            Error::new(ErrorKind::NotFound, ASK, message).with("event", id)
        })
    }

    async fn collect(&self, selection: Selection, facts: &mut Vec<Fact>) -> Result<()> {
        let mut events = pin!(self.events.events(Read::of(selection)));
        while let Some(event) = events.try_next().await? {
            // A reservation goes with the event that takes or gives up its value.
            if !is_reservation(&event.stream) {
                self.keep(facts, Fact::of(&event))?;
            }
        }
        Ok(())
    }

    fn keep(&self, facts: &mut Vec<Fact>, fact: Fact) -> Result<()> {
        if facts.len() < self.limit {
            facts.push(fact);
            return Ok(());
        }
        let message = format!(
            "the answer has more than {} events; allow more with `.limit(..)`, or read `Selection::Correlation` event by event",
            self.limit
        );
        Err(Error::new(ErrorKind::TooLarge, ASK, message))
    }
}
