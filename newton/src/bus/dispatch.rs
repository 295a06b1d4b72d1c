//! Finding the repository of a command and running the middleware in front of it.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::bus::{CommandHandler, CommandMessage, Middleware, Next};
use crate::domain::{Aggregate, AggregateId, AnyRejection, Command, Rejection};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{AnyOutcome, Dispatch, ExecuteError, Order, Receipt, Repository};

/// The repositories of an app and the middleware in front of them.
#[derive(Debug, Default)]
pub(crate) struct Bus {
    handlers: HashMap<TypeId, Arc<dyn CommandHandler>>,
    middleware: Vec<Arc<dyn Middleware>>,
}

impl Bus {
    pub(crate) fn new(
        handlers: impl IntoIterator<Item = Arc<dyn CommandHandler>>,
        middleware: Vec<Arc<dyn Middleware>>,
    ) -> Self {
        let handlers = handlers.into_iter().map(|handler| (handler.aggregate(), handler)).collect();
        Self { handlers, middleware }
    }

    /// The repository of an aggregate type.
    pub(crate) fn repository<A: Aggregate>(&self) -> Result<&Repository<A>> {
        let handler = self.handlers.get(&TypeId::of::<A>());
        handler.and_then(|handler| handler.repository().downcast_ref()).ok_or_else(|| {
            let message = format!("`{}` is not registered with this app; add it to its registry", A::DOMAIN);
            Error::new(ErrorKind::Configuration, "find repository", message)
        })
    }

    /// Executes a command of a known type.
    pub(crate) async fn execute<C: Command>(
        &self,
        id: AggregateId,
        command: C,
        order: Order,
    ) -> Result<Receipt, ExecuteError<<C::Aggregate as Aggregate>::Rejection>> {
        let repository = self.repository::<C::Aggregate>()?;
        if self.middleware.is_empty() {
            return repository.execute(id, command, order).await;
        }
        let again = AtomicBool::new(order.maybe_known);
        let message = CommandMessage::new(&command, &id, &order.command_id, &order.caller);
        let end = || -> BoxFuture<'_, AnyOutcome> {
            // A middleware that runs what is behind it twice must not execute the command twice.
            let order = Order { maybe_known: again.swap(true, Ordering::Relaxed), ..order.clone() };
            let outcome = repository.execute(id.clone(), command.clone(), order);
            Box::pin(async { outcome.await.map_err(ExecuteError::erase) })
        };
        self.guard(&message, &end).await.map_err(typed)
    }

    pub(crate) fn has_middleware(&self) -> bool {
        !self.middleware.is_empty()
    }

    /// Runs the middleware around `end`.
    pub(crate) async fn guard<'a>(
        &'a self,
        message: &'a CommandMessage<'a>,
        end: &'a (dyn Fn() -> BoxFuture<'a, AnyOutcome> + Send + Sync),
    ) -> AnyOutcome {
        Next::new(message, &self.middleware, end).run().await
    }
}

#[async_trait]
impl Dispatch for Bus {
    async fn dispatch(
        &self,
        service: Option<&str>,
        name: &str,
        target: AggregateId,
        payload: &[u8],
        order: Order,
    ) -> AnyOutcome {
        if let Some(service) = service {
            let message = format!(
                "a command is for the service `{service}`, and this app has no way to others; give its builder an instance of \
                 Muon by `.muon(..)`"
            );
            return Err(Error::new(ErrorKind::Configuration, "dispatch", message).into());
        }
        match self.handlers.values().find(|handler| handler.knows(name)) {
            Some(handler) => handler.dispatch(self, name, target, payload, order).await,
            None => {
                let message = format!("no command `{name}` is registered with this app; check the name");
                Err(Error::new(ErrorKind::UnknownType, "dispatch", message).into())
            }
        }
    }
}

/// Gives a rejection its type back.
fn typed<R: Rejection>(error: ExecuteError<AnyRejection>) -> ExecuteError<R> {
    match error {
        ExecuteError::Failed(error) => ExecuteError::Failed(error),
        ExecuteError::Rejected(rejection) => match rejection.downcast() {
            Ok(rejection) => ExecuteError::Rejected(rejection),
            Err(other) => {
                let message =
                    format!("a middleware rejected with a type the aggregate does not have: {other}");
                ExecuteError::Failed(Error::new(ErrorKind::Configuration, "execute", message))
            }
        },
    }
}
