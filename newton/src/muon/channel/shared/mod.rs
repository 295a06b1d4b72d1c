//! Many channels over one: each message of a virtual channel travels inside of a message of the shared one.
//!
//! - [`Shared`]: the virtual channels over one channel end; `table`: which are open
//! - `demux`: takes apart what arrives; `frame`: the form of what travels; `half`: the sending half of a virtual channel
//!
//! No virtual channel can hold up another: one whose reader falls behind by more than
//! [`channel_capacity`](crate::muon::Limits::channel_capacity) messages or by more bytes than
//! [`channel_bytes`](crate::muon::Limits::channel_bytes) fails, so a protocol that sends much has to grant credit. So does one whose message
//! arrives while more than [`shared_bytes`](crate::muon::Limits::shared_bytes) wait in all of them.
//! A virtual channel is forgotten at both sides as soon as either of them ends it.

mod demux;
mod frame;
mod half;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;
use uuid::Uuid;

use self::half::VirtualSender;
use self::table::{Opening, Table, Virtual};
use super::half::Ending;
use super::queue::QueueReceiver;
use super::{ChannelEnd, Sender};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::codec::{Codecs, Limits, Spoken};
use crate::muon::message::Message;
use crate::muon::protocol::step;
use crate::muon::transport::Incoming;

/// The protocol of a channel that is shared.
pub const SHARED_CHANNEL: &str = "shared-channel";

/// The virtual channels over one channel end. Clones are the same; the channel ends when all of them and all virtual channels
/// are dropped, or with [`close`](Self::close).
///
/// ```
/// use newton::muon::channel::{pair, shared::Shared};
/// use newton::muon::codec::Codecs;
/// use newton::muon::transport::Listener;
/// use newton::muon::{Limits, Message};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let (here, there) = pair(8);
/// let client = Shared::new(here, "shop", Limits::default(), Codecs::default(), None);
/// let (incoming, mut listener) = Listener::new();
/// let codecs = Codecs::default();
/// let _server = Shared::new(there, "bank", Limits::default(), codecs, Some(incoming));
///
/// let first = client.open()?;
/// first.send(Message::new("rpc", "request.made", "{}")).await?;
/// let mut accepted = listener.accept().await.unwrap();
/// assert_eq!(&*accepted.protocol, "rpc");
/// assert_eq!(accepted.channel.recv().await?.unwrap().step, "request.made");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Shared(Arc<Core>);

#[derive(Debug)]
struct Core {
    sender: Sender,
    /// The service at this side.
    local: Arc<str>,
    spoken: Spoken,
    limits: Limits,
    table: Table,
    runtime: Handle,
    /// Endings that the peer has no room for yet.
    untold: AtomicUsize,
}

impl Shared {
    /// Shares a channel. What the peer opens goes to `accept`; without it the peer may open none, and is known to understand all
    /// of `codecs`, while one that may is spoken to in JSON until it speaks another of them. Has to be called inside of a tokio
    /// runtime.
    pub fn new(
        end: ChannelEnd,
        local: impl Into<Arc<str>>,
        limits: Limits,
        codecs: Codecs,
        accept: Option<Incoming>,
    ) -> Self {
        let (sender, receiver) = end.split();
        let spoken = if accept.is_none() { Spoken::to_known(codecs) } else { Spoken::to_unknown(codecs) };
        let table = Table::new(limits.clone());
        let (local, runtime, untold) = (local.into(), Handle::current(), AtomicUsize::new(0));
        let core = Arc::new(Core { sender, local, spoken, limits, table, runtime, untold });
        tokio::spawn(demux::run(Arc::downgrade(&core), receiver, accept));
        Self(core)
    }

    /// Opens a virtual channel. The peer hears of it with its first message.
    ///
    /// # Errors
    /// How the shared channel ended, and `Unavailable` where too many are open.
    pub fn open(&self) -> Result<ChannelEnd> {
        self.0.open(Uuid::new_v4(), None)
    }

    /// How many virtual channels are open.
    pub fn open_channels(&self) -> usize {
        self.0.table.len()
    }

    /// Whether the shared channel has ended, so that nothing can be opened any more.
    pub fn is_ended(&self) -> bool {
        self.0.table.ending().is_some()
    }

    /// Closes the shared channel in good order, and every virtual channel with it.
    pub fn close(&self) {
        self.0.table.end(&Ending::Closed);
        self.0.sender.close();
    }
}

impl Core {
    /// Puts a virtual channel into the table.
    fn open(self: &Arc<Self>, id: Uuid, opening: Option<Opening>) -> Result<ChannelEnd> {
        let channel = self.table.insert(id, opening)?;
        let receiver = QueueReceiver(channel.incoming.clone());
        Ok(ChannelEnd::new(Arc::new(VirtualSender::new(self.clone(), id, channel)), Box::new(receiver)))
    }

    /// Ends a virtual channel from this side, and tells the peer.
    fn end(self: &Arc<Self>, id: Uuid, channel: &Virtual, ending: &Ending) {
        if channel.end(ending) && self.table.remove(id, false) {
            self.tell(id, ending);
        }
    }

    /// Tells the peer how a virtual channel ended, without waiting.
    fn tell(self: &Arc<Self>, id: Uuid, ending: &Ending) {
        let message = self.wrap(id, &step::farewell(ending).from_service(self.local.clone()));
        let Ok(Some(message)) = self.sender.try_send(message) else { return };
        if self.untold.fetch_add(1, Ordering::Relaxed) >= self.limits.shared_channels {
            let text = "the peer opens channels and reads nothing of what it is told about them";
            let error =
                Error::new(ErrorKind::TooLarge, "send", text).with("limit", self.limits.shared_channels);
            tracing::warn!(%error, "a shared channel failed");
            self.sender.fail(error);
            return;
        }
        let (core, sender) = (self.clone(), self.sender.clone());
        self.runtime.spawn(async move {
            // An error says that the shared channel has ended, and with it this one.
            let _ = sender.send(message).await;
            core.untold.fetch_sub(1, Ordering::Relaxed);
        });
    }

    fn wrap(&self, id: Uuid, inner: &Message) -> Message {
        let (content_type, payload) = frame::write(&self.spoken, id, inner);
        let mut outer = Message::new(SHARED_CHANNEL, frame::STEP, payload);
        outer.content_type = content_type;
        outer.origin_service = self.local.clone();
        outer.target_service.clone_from(&inner.target_service);
        outer
    }
}
