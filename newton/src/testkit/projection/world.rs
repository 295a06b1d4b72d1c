//! One run of a projection over some batches of events.

use std::marker::PhantomData;
use std::sync::Arc;

use uuid::Uuid;

use super::Sighted;
use crate::app::Builder;
use crate::domain::{Clock, ExpectedVersion, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::projection::Projection;
use crate::registry::Register;
use crate::store::Append;
use crate::subscription::Provided;
use crate::testkit::Faults;
use crate::testkit::facts::Fact;
use crate::testkit::stage::{Place, Stage};

/// One run of a projection.
pub(super) struct World<P> {
    stage: Stage,
    events: u128,
    projection: PhantomData<fn() -> P>,
}

/// The stream of all events of a script.
const STREAM: &str = "scenario/Events/1";

impl<P> World<P>
where
    P: Projection + Register,
    P::Context<'static>: Sighted<P>,
{
    /// A run over these batches.
    pub(super) fn given(provided: &Provided, batches: &[&[Fact]]) -> Result<Self> {
        let provided = provided.clone();
        let recipe =
            Arc::new(move |builder: Builder, _: &Faults| builder.only::<P>().provided(provided.clone()));
        let stage = Stage::new(recipe, Place::Memory, Faults::none())?;
        let mut world = Self { stage, events: 0, projection: PhantomData };
        for batch in batches {
            world.append(batch)?;
        }
        world.stage.settle()?;
        Ok(world)
    }

    /// Appends one batch, and waits until the projection has taken it in.
    pub(super) fn append(&mut self, batch: &[Fact]) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut events = Vec::with_capacity(batch.len());
        for fact in batch {
            self.events += 1;
            events.push(fact.to_event(Uuid::from_u128(self.events).into()).map_err(|error| {
                let message = format!("`{}` has no JSON form", fact.text());
                Error::new(ErrorKind::InvalidInput, "encode event", message).caused_by(error)
            })?);
        }
        let (stream, now) = (StreamName::parse(STREAM)?, self.stage.clock.now());
        self.stage.append(Append::to(stream, ExpectedVersion::Any, events, now))?;
        self.stage.settle()
    }

    /// Ends the process as it is, and starts another one.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.stage.restart()?;
        self.stage.settle()
    }

    /// Gives the projection every event again.
    pub(super) fn rebuild(&mut self) -> Result<()> {
        let app = self.stage.app()?.clone();
        self.stage.ask(async move || app.rebuild::<P>().await?.done().await)?;
        self.stage.settle()
    }

    /// What could not be handled, and why.
    pub(super) fn parked(&mut self) -> Result<Vec<String>> {
        let app = self.stage.app()?.clone();
        let parked = self.stage.ask(async move || app.parked_of::<P>().await)?;
        let causes = parked.into_iter().flat_map(|key| key.events).filter_map(|event| event.cause);
        Ok(causes.collect())
    }

    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&<P::Context<'static> as Sighted<P>>::Sight) -> T,
    ) -> Result<T> {
        <P::Context<'static>>::show(self.place()?, look)
    }

    pub(super) fn contents(&self) -> Result<<P::Context<'static> as Sighted<P>>::Contents> {
        <P::Context<'static>>::contents(self.place()?)
    }

    fn place(&self) -> Result<super::sight::Place<P>> {
        let app = self.stage.app()?.clone();
        self.stage.ask(async move || <P::Context<'static>>::place(app).await)
    }
}
