//! Channels: two ends, each of which sends to the other, and knows nothing of what is between them.
//!
//! - [`ChannelEnd`], [`Sender`], [`Receiver`]: what code talks to; [`pair`]: two ends that are joined in memory
//! - [`SendHalf`], [`ReceiveHalf`]: what transports and combinators implement; [`Ending`]: how a channel ended;
//!   `queue`: one direction of a pair
//! - the combinators, each of which takes an end and gives one: [`timeout`](fn@timeout), [`keep_alive`](fn@keep_alive),
//!   [`wiretap`](fn@wiretap), [`deflate`](fn@deflate); [`shared`] runs many channels over one
//!
//! # What a channel promises
//!
//! Messages arrive in the order they were sent, none twice. A full channel makes its sender wait: it is
//! bounded in messages and in bytes. An end that is dropped
//! without being closed fails the channel: the other one is told, after it has read what was sent before.

mod deflate;
mod half;
mod keep_alive;
mod pair;
mod queue;
pub mod shared;
mod timeout;
mod wiretap;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Weak};

use crate::error::{Error, Result};
use crate::muon::message::Message;

pub use deflate::deflate;
pub use half::{Ending, ReceiveHalf, SendHalf, Traffic};
pub use keep_alive::keep_alive;
pub use pair::{pair, pair_within};
pub use timeout::timeout;
pub use wiretap::{Way, wiretap};

/// One end of a channel.
///
/// ```
/// use newton::muon::{Message, channel};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let (client, mut server) = channel::pair(8);
/// client.send(Message::new("greeting", "hello", "{}")).await?;
/// client.close();
///
/// assert_eq!(server.recv().await?.unwrap().step, "hello");
/// assert_eq!(server.recv().await?, None, "closed, which is no failure");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ChannelEnd {
    sender: Sender,
    receiver: Receiver,
}

/// The half of a channel end that sends. Its clones send into the same channel; it fails once all are dropped.
#[derive(Clone, Debug)]
pub struct Sender(Arc<dyn SendHalf>);

/// A [`Sender`] that does not keep its channel.
#[derive(Clone, Debug)]
pub struct WeakSender(Weak<dyn SendHalf>);

/// The half of a channel end that receives.
#[derive(Debug)]
pub struct Receiver(Box<dyn ReceiveHalf>);

impl ChannelEnd {
    /// An end of these halves.
    pub fn new(sender: Arc<dyn SendHalf>, receiver: Box<dyn ReceiveHalf>) -> Self {
        Self { sender: Sender(sender), receiver: Receiver(receiver) }
    }

    /// The same as [`Sender::send`].
    // Borrows the sender alone, so that the future can go to another thread.
    pub fn send(&self, message: Message) -> impl Future<Output = Result<()>> + Send {
        self.sender.send(message)
    }

    /// The same as [`Receiver::recv`].
    pub async fn recv(&mut self) -> Result<Option<Message>> {
        self.receiver.recv().await
    }

    /// The same as [`Receiver::recv_many`].
    pub async fn recv_many(&mut self, messages: &mut Vec<Message>, limit: usize) -> Result<usize> {
        self.receiver.recv_many(messages, limit).await
    }

    /// The same as [`Sender::close`].
    pub fn close(&self) {
        self.sender.close();
    }

    /// The same as [`Sender::fail`].
    pub fn fail(&self, error: Error) {
        self.sender.fail(error);
    }

    /// The half that sends.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Both halves, for two tasks.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// The end of both halves.
    pub fn join(sender: Sender, receiver: Receiver) -> Self {
        Self { sender, receiver }
    }

    /// What is inside, for a combinator to wrap.
    fn into_halves(self) -> (Arc<dyn SendHalf>, Box<dyn ReceiveHalf>) {
        (self.sender.0, self.receiver.0)
    }
}

impl Sender {
    /// Sends a message, as soon as there is room for it. One that [closes](Message::closing) the channel is the last.
    ///
    /// It is cancel-safe: a send that was given up has sent nothing.
    ///
    /// # Errors
    /// `Closed` once the channel is closed; the reason once it has failed.
    pub async fn send(&self, message: Message) -> Result<()> {
        let mut rejected = self.0.try_send(message)?;
        while let Some(message) = rejected {
            self.0.ready().await?;
            rejected = self.0.try_send(message)?;
        }
        Ok(())
    }

    /// Sends messages in their order, each as soon as there is room for it; nothing is behind one that [closes](Message::closing)
    /// the channel.
    ///
    /// It is not cancel-safe: of a send that was given up, some are sent.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_many(&self, mut messages: VecDeque<Message>) -> Result<()> {
        while !messages.is_empty() {
            self.0.try_send_many(&mut messages)?;
            if !messages.is_empty() {
                self.0.ready().await?;
            }
        }
        Ok(())
    }

    /// Sends a message, or gives it back where there is no room for it now.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn try_send(&self, message: Message) -> Result<Option<Message>> {
        self.0.try_send(message)
    }

    /// Whether there is room for a message now.
    fn has_room(&self) -> bool {
        self.0.has_room()
    }

    /// As [`SendHalf::ready`].
    async fn ready(&self) -> Result<()> {
        self.0.ready().await
    }

    /// Closes the channel in good order: each side can still read what was sent before.
    pub fn close(&self) {
        self.0.end(&Ending::Closed);
    }

    /// Fails the channel: each side can still read what was sent before, and is then told the error.
    pub fn fail(&self, error: Error) {
        self.0.end(&Ending::Failed(Arc::new(error)));
    }

    /// A handle that does not keep the channel from failing when all senders are dropped.
    pub fn downgrade(&self) -> WeakSender {
        WeakSender(Arc::downgrade(&self.0))
    }

    /// What went through this end so far.
    pub fn traffic(&self) -> Traffic {
        self.0.traffic()
    }
}

impl WeakSender {
    /// The sender, unless all are dropped.
    pub fn upgrade(&self) -> Option<Sender> {
        self.0.upgrade().map(Sender)
    }
}

impl Receiver {
    /// The next message, or none once the channel was closed. It is cancel-safe: a wait that was given up lost nothing.
    ///
    /// # Errors
    /// The reason once the channel has failed, again and again.
    pub async fn recv(&mut self) -> Result<Option<Message>> {
        poll_fn(|cx| self.0.poll_recv(cx)).await
    }

    /// Waits for a message, and appends it and those behind it that have already arrived, up to `limit`. Returns how many;
    /// 0 once the channel was closed. It is cancel-safe.
    ///
    /// # Errors
    /// As [`recv`](Self::recv), once all that arrived before is read.
    pub async fn recv_many(&mut self, messages: &mut Vec<Message>, limit: usize) -> Result<usize> {
        poll_fn(|cx| self.0.poll_recv_many(cx, messages, limit.max(1))).await
    }
}
