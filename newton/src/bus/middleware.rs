//! What sees every command before its aggregate does.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::domain::{AggregateId, Command, CommandId, CommandType, Payload};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{AnyOutcome, Caller};

/// Sees every command, typed and remote, before its aggregate does: to validate, authorize, retry or measure.
///
/// ```
/// use async_trait::async_trait;
/// use newton::bus::{CommandMessage, Middleware, Next};
/// use newton::repository::AnyOutcome;
/// use newton::{Error, ErrorKind};
///
/// #[derive(Debug)]
/// struct ActorsOnly;
///
/// #[async_trait]
/// impl Middleware for ActorsOnly {
///     async fn handle(&self, command: &CommandMessage<'_>, next: Next<'_>) -> AnyOutcome {
///         if command.caller.actor.is_none() {
///             let message = format!("`{}` needs an actor; call through `app.with(..)`", command.name());
///             return Err(Error::new(ErrorKind::InvalidInput, "authorize", message).into());
///         }
///         next.run().await
///     }
/// }
/// ```
#[async_trait]
pub trait Middleware: Debug + Send + Sync + 'static {
    /// Answers the command, usually by what `next` answers.
    async fn handle(&self, command: &CommandMessage<'_>, next: Next<'_>) -> AnyOutcome;
}

/// A command on its way to its aggregate.
pub struct CommandMessage<'a> {
    /// The command's name and Rust type.
    pub command_type: &'static CommandType,
    /// The aggregate's domain stream: `{context}/{Aggregate}`.
    pub domain: &'static str,
    /// The aggregate's id.
    pub id: &'a AggregateId,
    /// The command's id.
    pub command_id: &'a CommandId,
    /// Who asks.
    pub caller: &'a Caller,
    command: &'a (dyn Any + Send + Sync),
    encode: fn(&(dyn Any + Send + Sync)) -> Result<Payload>,
}

impl<'a> CommandMessage<'a> {
    pub(crate) fn new<C: Command>(
        command: &'a C,
        id: &'a AggregateId,
        command_id: &'a CommandId,
        caller: &'a Caller,
    ) -> Self {
        use crate::domain::Aggregate;
        let (command_type, domain) = (command.command_type(), C::Aggregate::DOMAIN);
        Self { command_type, domain, id, command_id, caller, command, encode: encode::<C> }
    }

    /// The command's stable name, such as `AccountDeposit`.
    pub fn name(&self) -> &'static str {
        self.command_type.name
    }

    /// The command, if it is a `C`.
    pub fn downcast_ref<C: Command>(&self) -> Option<&C> {
        self.command.downcast_ref()
    }

    /// The command's payload as JSON.
    pub fn payload(&self) -> Result<Payload> {
        (self.encode)(self.command)
    }
}

fn encode<C: Command>(command: &(dyn Any + Send + Sync)) -> Result<Payload> {
    let mut json = Vec::new();
    let encoded = command.downcast_ref::<C>().map(|command| command.encode(&mut json));
    match encoded {
        Some(Ok(())) => Ok(Payload::from_encoded(json)),
        Some(Err(error)) => {
            let message = "the command has no JSON form";
            Err(Error::new(ErrorKind::InvalidInput, "encode command", message).caused_by(error))
        }
        None => Err(Error::new(ErrorKind::Internal, "encode command", "the command is of another type")),
    }
}

/// What comes behind a middleware: the next one, and at the end the aggregate.
///
/// It may be run several times; the command keeps its id and so takes effect once.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    command: &'a CommandMessage<'a>,
    rest: &'a [Arc<dyn Middleware>],
    end: &'a (dyn Fn() -> BoxFuture<'a, AnyOutcome> + Send + Sync),
}

impl<'a> Next<'a> {
    pub(crate) fn new(
        command: &'a CommandMessage<'a>,
        rest: &'a [Arc<dyn Middleware>],
        end: &'a (dyn Fn() -> BoxFuture<'a, AnyOutcome> + Send + Sync),
    ) -> Self {
        Self { command, rest, end }
    }

    /// The answer of all that comes behind.
    pub async fn run(self) -> AnyOutcome {
        match self.rest.split_first() {
            Some((first, rest)) => first.handle(self.command, Next { rest, ..self }).await,
            None => (self.end)().await,
        }
    }
}
