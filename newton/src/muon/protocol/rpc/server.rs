//! The server's side of rpc.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::super::{Operation, Outline, Peer, ServerStack, step};
use super::wire::{self, Invalid};
use super::{INVALID, PROTOCOL, REQUEST, RESPONSE, Request, Response};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::ChannelEnd;
use crate::muon::message::{Message, Status};

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Response>> + Send + Sync>;

/// The paths that a service answers.
///
/// ```
/// use std::time::Duration;
/// use newton::ErrorKind;
/// use newton::muon::protocol::rpc::{self, Request, Response, RpcServer};
/// use newton::muon::{Muon, transport::MemoryNetwork, discovery::MemoryDiscovery};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let (network, discovery) = (MemoryNetwork::new(), MemoryDiscovery::new());
/// let sum = RpcServer::new().path("/sum", "adds numbers", async |request: Request| {
///     let numbers: Vec<u32> = request.json()?;
///     Ok(Response::json(&numbers.iter().sum::<u32>()))
/// });
/// let calculator = Muon::builder("calculator")
///     .transport(network.transport()).discovery(discovery.clone()).serve(sum).start().await?;
/// let shop = Muon::builder("shop").transport(network.transport()).discovery(discovery).start().await?;
///
/// let calculator_api = shop.service("calculator").await?;
/// let answer = calculator_api.rpc(&Request::new("calculator", "/sum").with_json(&[1, 2, 3])).await?;
/// assert_eq!(answer.parse::<u32>()?, 6);
///
/// let refused = calculator_api.rpc(&Request::new("calculator", "/product")).await.unwrap_err();
/// assert_eq!(*refused.kind(), ErrorKind::NotFound);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct RpcServer {
    paths: BTreeMap<String, (String, Handler)>,
}

impl RpcServer {
    /// A server that answers no path.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a path, which starts with `/`. `doc` says what it does. An error of the handler is told to the caller.
    #[must_use]
    pub fn path<F>(
        mut self,
        path: &str,
        doc: &str,
        handler: impl Fn(Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Response>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        self.paths.insert(path.to_owned(), (doc.to_owned(), handler));
        self
    }

    async fn answer(&self, message: &Message, origin: Option<Arc<str>>) -> Result<Response> {
        if message.step != REQUEST {
            return Err(step::unexpected(message));
        }
        let request = wire::read_request(message)?;
        let Some((_, handler)) = self.paths.get(request.path()) else {
            let text = "the service has no such path; its introspection lists what it has";
            return Err(Error::new(ErrorKind::NotFound, "rpc", text).with("path", request.path()));
        };
        handler(Request { origin, ..request }).await
    }
}

#[async_trait]
impl ServerStack for RpcServer {
    fn protocol(&self) -> &'static str {
        PROTOCOL
    }

    fn outline(&self) -> Outline {
        let mut outline = Outline::new(PROTOCOL, "Request and response", "Answers requests to paths");
        let operation = |(path, (doc, _)): (&String, &(String, Handler))| Operation {
            resource: path.clone(),
            doc: doc.clone(),
        };
        outline.operations = self.paths.iter().map(operation).collect();
        outline
    }

    async fn serve(&self, mut channel: ChannelEnd, peer: Peer) -> Result<()> {
        let Some(message) = channel.recv().await? else { return Ok(()) };
        let answer = match self.answer(&message, peer.origin).await {
            Ok(response) => {
                message.answer(RESPONSE, wire::write_response(&response)).with_status(Status::Success)
            }
            Err(error) => {
                tracing::debug!(origin = %message.origin_service, %error, "an rpc was refused");
                message.answer(INVALID, step::json(&Invalid::of(&error))).with_status(Status::Failure)
            }
        };
        // Not the last message by itself: the published client looks into none that closes its channel.
        match channel.send(answer).await {
            // A client that gave up is none of our failures.
            Err(error) if *error.kind() == ErrorKind::Closed => Ok(()),
            sent => sent,
        }
    }
}

impl fmt::Debug for RpcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcServer").field("paths", &self.paths.keys()).finish()
    }
}
