//! The channel to the service that holds the stores, opened anew where it breaks.
//!
//! connecting -> conversing -> connecting .. until the last handle is gone. What is asked meanwhile waits. A call whose answer
//! was lost with a channel is made again over the next one, if that does no harm.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::parts::{self, Joined};
use super::request::{HEAD_MOVED, REPLIED, REQUESTED, Request, SCHEME, outcome};
use crate::domain::OrderId;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::muon::{ChannelEnd, Message, Receiver, Sender};
use crate::store::{Capability, Head, HeadSender};
use crate::sync::lock;

/// Calls that wait to be sent.
const QUEUE: usize = 1_024;
/// The wait before a channel is opened again, and how far it grows.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A handle to the conversation with a service. Cloning is cheap; the last one ends it.
#[derive(Clone)]
pub(super) struct Connection(Arc<Shared>);

struct Shared {
    calls: mpsc::Sender<Call>,
    head: Arc<HeadSender>,
    trouble: Arc<Mutex<Option<Error>>>,
    service: Arc<str>,
    /// How long a call waits for its answer.
    patience: Duration,
    task: AbortHandle,
}

/// Opens a channel of `newton-event` to the service.
pub(super) type Dial = Box<dyn Fn() -> BoxFuture<'static, Result<ChannelEnd>> + Send + Sync>;

/// Whom to talk to, and as whom.
pub(super) struct Peer {
    pub(super) service: Arc<str>,
    pub(super) token: Option<String>,
    pub(super) dial: Dial,
}

struct Call {
    request: Bytes,
    is_repeatable: bool,
    answer: oneshot::Sender<Result<Bytes>>,
}

/// The task behind a connection.
struct Conversation {
    peer: Peer,
    calls: mpsc::Receiver<Call>,
    /// What was sent and not answered, by the id of its message: in the order of sending, for the ids rise.
    open: Mutex<BTreeMap<Uuid, Call>>,
    head: Arc<HeadSender>,
    trouble: Arc<Mutex<Option<Error>>>,
}

impl Connection {
    /// Opens the first channel.
    pub(super) async fn open(peer: Peer, patience: Duration) -> Result<(Self, Capability)> {
        let head = Arc::new(HeadSender::new(OrderId::START));
        let (channel, capability) = peer.dial(&head).await?;
        let (calls, queue) = mpsc::channel(QUEUE);
        let trouble = Arc::default();
        let service = peer.service.clone();
        let conversation = Conversation {
            peer,
            calls: queue,
            open: Mutex::default(),
            head: Arc::clone(&head),
            trouble: Arc::clone(&trouble),
        };
        let task = tokio::spawn(conversation.run(channel)).abort_handle();
        Ok((Self(Arc::new(Shared { calls, head, trouble, service, patience, task })), capability))
    }

    /// The bytes of the answer.
    pub(super) async fn ask(&self, request: Request) -> Result<Bytes> {
        let operation = request.operation();
        let (answer, answered) = oneshot::channel();
        let call = Call { is_repeatable: request.is_repeatable(), request: encode(&request)?, answer };
        let closed = || Error::new(ErrorKind::Closed, operation, "the connection to the store was closed");
        let asked = async {
            self.0.calls.send(call).await.map_err(|_| closed())?;
            answered.await.map_err(|_| closed())?
        };
        timeout(self.0.patience, asked).await.unwrap_or_else(|_| Err(self.silent(operation)))
    }

    /// The service's name.
    pub(super) fn service(&self) -> &str {
        &self.0.service
    }

    /// Somebody has seen an event with this order id.
    pub(super) fn saw(&self, order_id: OrderId) {
        self.0.head.advance(order_id);
    }

    /// The head, which is at least here.
    pub(super) fn head_at(&self, order_id: OrderId) -> Head {
        self.saw(order_id);
        self.0.head.subscribe()
    }

    fn silent(&self, operation: &'static str) -> Error {
        let message = format!(
            "`{}` did not answer within {:?}; whether it was done is not known. See that it runs, and try again",
            self.0.service, self.0.patience
        );
        let error = Error::new(ErrorKind::Unavailable, operation, message);
        match &*lock(&self.0.trouble) {
            Some(trouble) => error.caused_by(trouble.duplicate()),
            None => error,
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// A channel that is ready for requests, and what the store at its other end can do.
    async fn dial(&self, head: &HeadSender) -> Result<(ChannelEnd, Capability)> {
        let mut channel = (self.dial)().await?;
        let open = encode(&Request::Open { token: self.token.clone() })?;
        channel.send(Message::new(SCHEME, REQUESTED, open)).await?;
        loop {
            match channel.recv().await? {
                Some(message) if message.step == REPLIED => {
                    return Ok((channel, outcome("open store", &message.payload)?));
                }
                // The head may be told before the answer.
                Some(message) if message.step == HEAD_MOVED => head.advance(moved(&message)?),
                Some(_) => {}
                None => return Err(self.gone()),
            }
        }
    }

    fn gone(&self) -> Error {
        let message = format!("`{}` closed the channel", self.service);
        Error::new(ErrorKind::Unavailable, "talk to store", message)
    }
}

impl Conversation {
    async fn run(mut self, first: ChannelEnd) {
        let mut channel = first;
        loop {
            let (sender, receiver) = channel.split();
            let end = tokio::select! {
                end = send(sender, &mut self.calls, &self.open) => end,
                end = receive(receiver, &self.open, &self.head) => end,
            };
            let error = match end {
                Ok(Ended::HandlesGone) => return,
                Ok(Ended::ByPeer) => self.peer.gone(),
                Err(error) => error,
            };
            tracing::warn!(service = &*self.peer.service, %error, "the channel to the store broke");
            self.give_up_unrepeatable(&error);
            *lock(&self.trouble) = Some(error);
            channel = self.dial_again().await;
            *lock(&self.trouble) = None;
        }
    }

    async fn dial_again(&mut self) -> ChannelEnd {
        let mut wait = FIRST_WAIT;
        loop {
            match self.peer.dial(&self.head).await {
                Ok((channel, _)) => return channel,
                Err(error) => {
                    if error.retry() == Retry::Never && *error.kind() != ErrorKind::NotFound {
                        tracing::warn!(service = &*self.peer.service, %error, "the store refuses this client");
                    }
                    *lock(&self.trouble) = Some(error);
                }
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn give_up_unrepeatable(&self, error: &Error) {
        let mut open = lock(&self.open);
        let lost: Vec<Uuid> =
            open.iter().filter(|(_, call)| !call.is_repeatable).map(|(id, _)| *id).collect();
        for call in lost.iter().filter_map(|id| open.remove(id)) {
            let message = "the channel broke before the answer came; whether it was done is not known";
            let error =
                Error::new(ErrorKind::Unavailable, "write state", message).caused_by(error.duplicate());
            // A caller that went away needs no answer.
            let _ = call.answer.send(Err(error));
        }
    }
}

/// How a conversation ended that did not break.
enum Ended {
    HandlesGone,
    ByPeer,
}

/// Sends what is open from before, and then what is asked.
async fn send(
    sender: Sender,
    calls: &mut mpsc::Receiver<Call>,
    open: &Mutex<BTreeMap<Uuid, Call>>,
) -> Result<Ended> {
    let again: Vec<_> = lock(open).iter().map(|(id, call)| (*id, call.request.clone())).collect();
    for (id, request) in again {
        parts::send(&sender, Message { id, ..Message::new(SCHEME, REQUESTED, request) }).await?;
    }
    while let Some(call) = calls.recv().await {
        if call.answer.is_closed() {
            continue;
        }
        let id = Uuid::now_v7();
        let message = Message { id, ..Message::new(SCHEME, REQUESTED, call.request.clone()) };
        lock(open).insert(id, call);
        parts::send(&sender, message).await?;
    }
    Ok(Ended::HandlesGone)
}

/// Hands each answer to whoever waits for it, and moves the head.
async fn receive(
    mut receiver: Receiver,
    open: &Mutex<BTreeMap<Uuid, Call>>,
    head: &HeadSender,
) -> Result<Ended> {
    let mut joined = Joined::default();
    while let Some(message) = receiver.recv().await? {
        let Some(message) = joined.take(message)? else { continue };
        if message.step == HEAD_MOVED {
            head.advance(moved(&message)?);
        } else if let Some(call) = message.provenance_id.and_then(|id| lock(open).remove(&id)) {
            // A caller that went away needs no answer.
            let _ = call.answer.send(Ok(message.payload));
        }
    }
    Ok(Ended::ByPeer)
}

fn encode(request: &Request) -> Result<Bytes> {
    serde_json::to_vec(request).map(Into::into).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, request.operation(), "it has no JSON form").caused_by(error)
    })
}

/// Where the head has moved to.
fn moved(message: &Message) -> Result<OrderId> {
    serde_json::from_slice(&message.payload).map_err(|error| {
        let message = "the service sent no order id";
        Error::new(ErrorKind::Incompatible, "follow the head", message).caused_by(error)
    })
}
