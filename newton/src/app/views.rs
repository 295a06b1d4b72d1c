//! What an app asks of its projections: their data, how they are doing, a rebuild.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::app::App;
use crate::app::reactions::not_run;
use crate::domain::OrderId;
use crate::error::{Error, ErrorKind, Result};
use crate::projection::{Access, Open, Projection, Rebuild, Viewed};
use crate::repository::Receipt;
use crate::subscription::{Phase, Reaction, ReactionKind};

/// How often a position is looked at that another node keeps.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A wait until something has taken in what a command did. Nothing happens until it is awaited.
#[must_use = "nothing happens until it is awaited"]
pub struct CaughtUp {
    /// Whom it waits for; an error where this app does not run it.
    reactions: Result<Vec<Arc<dyn Reaction>>>,
    upto: Upto,
    within: Duration,
}

/// What is waited for.
enum Upto {
    /// The events of a command.
    Receipt { first: OrderId, last: OrderId },
    /// The head of the log as it is when the wait begins.
    Head(App),
}

impl App {
    /// Access to the data of a projection: a value behind a lock, or tables to query.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where it is not in this app's registry.
    pub fn view<P: Projection>(&self) -> Result<Access<P>>
    where
        P::Context<'static>: Viewed<P>,
    {
        let reaction = self.core.reactions.of::<P>()?;
        <P::Context<'static> as Open<P>>::open(reaction).ok_or_else(not_run::<P>)
    }

    /// Waits until a projection, saga or event handler has taken in what a command did, so that the caller reads its own
    /// write: at most 30 seconds, unless [`within`](CaughtUp::within) says otherwise. A command that decided on no event has
    /// nothing to wait for.
    ///
    /// # Errors
    /// [`Parked`](ErrorKind::Parked) where the events were set aside because a handler failed,
    /// [`Unavailable`](ErrorKind::Unavailable) with the phase and the last error where the time is over,
    /// [`Closed`](ErrorKind::Closed) where it was stopped, [`Configuration`](ErrorKind::Configuration) where it is not in
    /// this app's registry.
    pub fn caught_up<P: 'static>(&self, receipt: &Receipt) -> CaughtUp {
        let back = (receipt.events as u64).saturating_sub(1);
        let (last, first) = (receipt.order_id, OrderId(receipt.order_id.0.saturating_sub(back)));
        let concerned = |reaction: &Arc<dyn Reaction>| {
            if receipt.events == 0 { Vec::new() } else { vec![reaction.clone()] }
        };
        let reactions = self.core.reactions.of::<P>().map(concerned);
        CaughtUp { reactions, upto: Upto::Receipt { first, last }, within: CaughtUp::WITHIN }
    }

    /// Waits until a projection, saga or event handler has taken in all that is stored when the wait begins.
    ///
    /// # Errors
    /// As [`caught_up`](Self::caught_up), but parked keys are no error here.
    pub fn caught_up_now<P: 'static>(&self) -> CaughtUp {
        let reactions = self.core.reactions.of::<P>().map(|reaction| vec![reaction.clone()]);
        CaughtUp { reactions, upto: Upto::Head(self.clone()), within: CaughtUp::WITHIN }
    }

    /// Waits until every projection has taken in all that is stored when the wait begins. An app starts before its
    /// projections have caught up: await this where views must be whole from the first request on.
    ///
    /// # Errors
    /// As [`caught_up`](Self::caught_up), but parked keys are no error here.
    pub fn caught_up_all(&self) -> CaughtUp {
        let projections = self.core.reactions.all().filter(|reaction| is_projection(reaction)).cloned();
        let (reactions, upto) = (Ok(projections.collect()), Upto::Head(self.clone()));
        CaughtUp { reactions, upto, within: CaughtUp::WITHIN }
    }

    /// Builds a projection's data anew beside the live data, from the first event, and then switches to it at once:
    /// readers see the old data or the new, never half. Joins the rebuild that is under way, if there is one. Where the
    /// data is durable, a crash or a stop only interrupts it: the next start goes on. It also replaces data that was refused,
    /// because it was made from another log or is damaged: then there is none to serve meanwhile.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where it is not in this app's registry,
    /// [`Unsupported`](ErrorKind::Unsupported) where another node runs it.
    pub async fn rebuild<P: Projection>(&self) -> Result<Rebuild>
    where
        P::Context<'static>: Viewed<P>,
    {
        let reaction = self.core.reactions.of::<P>()?;
        let rebuildable = <P::Context<'static> as Open<P>>::rebuildable(reaction);
        rebuildable.ok_or_else(not_run::<P>)?.rebuild().await
    }

    /// The names of the projections that go on with data which other code than this program's has made; see
    /// [`rebuild`](Self::rebuild).
    pub fn changed_projections(&self) -> Vec<String> {
        let changed = self.core.reactions.all().filter(|reaction| reaction.monitor().is_changed());
        let mut names: Vec<_> = changed.map(|reaction| reaction.monitor().name().to_string()).collect();
        names.sort_unstable();
        names
    }
}

fn is_projection(reaction: &Arc<dyn Reaction>) -> bool {
    reaction.monitor().kind() == ReactionKind::Projection
}

impl CaughtUp {
    /// How long a wait lasts unless [`within`](Self::within) says otherwise.
    pub const WITHIN: Duration = Duration::from_secs(30);

    /// Waits for at most so long.
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    async fn wait(self) -> Result<()> {
        let reactions = self.reactions?;
        let (parked, last) = match &self.upto {
            Upto::Receipt { first, last } => (Some(*first), *last),
            Upto::Head(app) => (None, app.core.runtime.events.head().await?.current()),
        };
        let deadline = tokio::time::Instant::now() + self.within;
        for reaction in &reactions {
            match tokio::time::timeout_at(deadline, reached(&**reaction, last)).await {
                Ok(reached) => reached?,
                Err(_) => return Err(too_late(&**reaction, last, self.within)),
            }
            if let Some(first) = parked
                && let Some(key) = reaction.parking().among(first, last).await?
            {
                return Err(is_parked(&**reaction, &key));
            }
        }
        Ok(())
    }
}

/// Waits until a reaction has got that far, on whichever node, or was stopped.
async fn reached(reaction: &dyn Reaction, order_id: OrderId) -> Result<()> {
    let monitor = reaction.monitor();
    loop {
        if reaction.position().await? >= order_id {
            return Ok(());
        }
        if monitor.phase() == Phase::Stopped {
            let message = "it was stopped before it got there; start the app again";
            return Err(Error::new(ErrorKind::Closed, "catch up", message).with("name", monitor.name()));
        }
        tokio::select! {
            () = monitor.reached(order_id), if monitor.phase() != Phase::StandingBy => {}
            () = monitor.entered(|phase| matches!(phase, Phase::Stopped | Phase::StandingBy)),
                if monitor.phase() != Phase::StandingBy => {}
            () = tokio::time::sleep(LOOK_AGAIN), if monitor.phase() == Phase::StandingBy => {}
            else => {}
        }
    }
}

fn too_late(reaction: &dyn Reaction, order_id: OrderId, within: Duration) -> Error {
    let monitor = reaction.monitor();
    let message = format!("it did not get there within {within:?}; wait longer, or see its status");
    let error = Error::new(ErrorKind::Unavailable, "catch up", message)
        .with("name", monitor.name())
        .with("phase", format_args!("{:?}", monitor.phase()))
        .with("position", monitor.position())
        .with("awaited", order_id);
    match monitor.last_error() {
        Some(last) => error.with("last error", last),
        None => error,
    }
}

fn is_parked(reaction: &dyn Reaction, key: &str) -> Error {
    let message =
        format!("the events of `{key}` are parked since a handler failed; mend it, then retry or drop them");
    let kind = ErrorKind::Parked { key: key.into() };
    Error::new(kind, "catch up", message).with("name", reaction.monitor().name())
}

impl IntoFuture for CaughtUp {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.wait())
    }
}
