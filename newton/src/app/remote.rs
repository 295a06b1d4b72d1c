//! The app of another service, as its callers see it.

use std::fmt::{self, Display};
use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::app::call::{Answer, Call, path_of, value_of};
use crate::domain::{Aggregate, AggregateId, AnyRejection, Command, CommandId, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::RemoteService;
use crate::muon::protocol::rpc::{self, Request, Response};
use crate::repository::{AnyOutcome, Caller, ExecuteError, Order, Receipt};

/// What another service exposes of its app: see [`App::expose`](crate::App::expose). Cloning is cheap.
#[derive(Clone)]
pub struct RemoteApp {
    service: RemoteService,
    auth: Option<Value>,
    caller: Arc<Caller>,
}

/// A command on its way to another service. Nothing happens until it is awaited.
#[must_use = "nothing happens until it is awaited"]
#[derive(Debug)]
pub struct RemoteExecute<C> {
    app: RemoteApp,
    id: String,
    command: C,
    order: Order,
}

impl RemoteApp {
    /// The app of a service.
    pub fn new(service: RemoteService) -> Self {
        Self { service, auth: None, caller: Arc::default() }
    }

    /// Shows the service who asks.
    #[must_use]
    pub fn auth(self, auth: impl Into<Value>) -> Self {
        Self { auth: Some(auth.into()), ..self }
    }

    /// The same app for a caller of whom more is known. The correlation, the cause and the free metadata travel; who asks, and on
    /// whose behalf, the service finds out by itself.
    #[must_use]
    pub fn with(&self, caller: Caller) -> Self {
        Self { caller: Arc::new(caller), ..self.clone() }
    }

    /// Sends a command to an aggregate of the service. Await it as it is, or set its options first.
    pub fn execute<C: Command>(&self, id: impl Display, command: C) -> RemoteExecute<C> {
        let order = Order::new(self.caller.clone());
        RemoteExecute { app: self.clone(), id: id.to_string(), command, order }
    }

    /// Asks one of the service's views.
    ///
    /// # Errors
    /// What the service answers, with its kind; how it could not be reached.
    pub async fn view<T: DeserializeOwned>(&self, path: &str, question: &impl Serialize) -> Result<T> {
        let request = self.request(path).with_json(question);
        value_of(&self.ask(&request).await?)
    }

    /// Sends a command that is known by its name and payload only.
    pub(super) async fn dispatch(
        &self,
        name: &str,
        target: &AggregateId,
        payload: &[u8],
        order: Order,
    ) -> AnyOutcome {
        let payload = serde_json::from_slice(payload).map_err(|error| no_json(name, error))?;
        match self.call(name, &call(&order, target.to_string(), payload)).await? {
            Answer::Done(receipt) => Ok(receipt),
            Answer::Failed(error) => Err(error.into()),
            Answer::Rejected(rejected) => {
                Err(ExecuteError::Rejected(AnyRejection::new(Refusal(rejected.message))))
            }
        }
    }

    async fn call(&self, name: &str, call: &Call) -> Result<Answer> {
        let request = self.request(&path_of(name)).with_json(call);
        match Answer::read(&self.ask(&request).await?)? {
            // What it says of itself, it does not say of this app.
            Answer::Failed(error) if *error.kind() == ErrorKind::Closed => Err(self.away(error)),
            answer => Ok(answer),
        }
    }

    async fn ask(&self, request: &Request) -> Result<Response> {
        let channel = self.service.channel(rpc::PROTOCOL).await.map_err(|error| self.away(error))?;
        let answer = rpc::call(channel, request, self.service.timings().rpc).await;
        answer.map_err(|error| if *error.kind() == ErrorKind::Closed { self.away(error) } else { error })
    }

    fn away(&self, error: Error) -> Error {
        away(self.service.name(), error)
    }

    fn request(&self, path: &str) -> Request {
        let request = Request::new(self.service.name(), path);
        match &self.auth {
            Some(auth) => request.with_auth(auth.clone()),
            None => request,
        }
    }
}

impl fmt::Debug for RemoteApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteApp").field("service", &self.service.name()).finish_non_exhaustive()
    }
}

impl<C: Command> RemoteExecute<C> {
    /// Gives the command an id of the caller's: sent twice, it takes effect once, for ever, and both calls get the receipt of
    /// the first. Where an answer was lost, send it again under the same id.
    pub fn command_id(mut self, id: impl Into<CommandId>) -> Self {
        self.order = self.order.known_as(id.into());
        self
    }

    /// Refuses to decide unless the aggregate is still at `version`, the one the caller saw.
    pub fn expected(mut self, version: Version) -> Self {
        self.order.expected = Some(version);
        self
    }

    async fn send<R: DeserializeOwned>(self) -> Result<Receipt, ExecuteError<R>> {
        let call = call(&self.order, self.id, encode(&self.command)?);
        match self.app.call(self.command.command_type().name, &call).await? {
            Answer::Done(receipt) => Ok(receipt),
            Answer::Failed(error) => Err(error.into()),
            Answer::Rejected(rejected) => match serde_json::from_str(rejected.rejection.get()) {
                Ok(rejection) => Err(ExecuteError::Rejected(rejection)),
                Err(error) => {
                    let message = format!("rejected, in a form that is not known here: {}", rejected.message);
                    Err(Error::new(ErrorKind::Decode, "execute", message).caused_by(error).into())
                }
            },
        }
    }
}

impl<C: Command> IntoFuture for RemoteExecute<C>
where
    <C::Aggregate as Aggregate>::Rejection: DeserializeOwned,
{
    type Output = Result<Receipt, ExecuteError<<C::Aggregate as Aggregate>::Rejection>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

fn encode<C: Command>(command: &C) -> Result<Box<RawValue>> {
    let mut json = Vec::new();
    let encoded = command.encode(&mut json).and_then(|()| serde_json::from_slice(&json));
    encoded.map_err(|error| no_json(command.command_type().rust_name, error))
}

fn no_json(command: &str, error: serde_json::Error) -> Error {
    let message = format!("`{command}` has no JSON form");
    Error::new(ErrorKind::InvalidInput, "encode command", message).caused_by(error)
}

/// A command as it travels. Its id does so too, whoever gave it: the service may get it twice.
fn call(order: &Order, id: String, payload: Box<RawValue>) -> Call {
    Call {
        id,
        payload,
        command_id: Some(order.command_id.clone()),
        expected: order.expected,
        correlation_id: order.caller.correlation_id.clone(),
        cause: order.caller.cause.clone(),
        extra: order.caller.extra.clone(),
    }
}

/// A rejection whose type is not known here.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// A service that is not there may come back.
pub(super) fn away(service: &str, error: Error) -> Error {
    let message = format!("`{service}` cannot be reached; start it, or check its name");
    Error::new(ErrorKind::Unavailable, "reach service", message).caused_by(error)
}
