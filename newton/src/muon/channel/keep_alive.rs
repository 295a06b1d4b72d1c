//! Keeps a channel alive while nothing is to be said, and fails it when the peer is silent.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ChannelEnd;
use super::half::{Ending, ReceiveHalf, SendHalf};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::message::Message;
use crate::muon::protocol::step;
use crate::muon::timings::Timings;

/// An end that sends a keep-alive whenever nothing else was sent for [`Timings::keep_alive`], hides those of the peer, and fails the
/// channel once nothing has arrived for [`Timings::silence`]. Has to be called inside of a tokio runtime.
///
/// A peer whose messages wait to be read is not silent.
pub fn keep_alive(end: ChannelEnd, timings: &Timings) -> ChannelEnd {
    let (sender, inner) = end.into_halves();
    tokio::spawn(watch(Arc::downgrade(&sender), timings.clone()));
    ChannelEnd::new(sender, Box::new(KeepAliveReceiver { inner }))
}

#[derive(Debug)]
struct KeepAliveReceiver {
    inner: Box<dyn ReceiveHalf>,
}

impl ReceiveHalf for KeepAliveReceiver {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>> {
        loop {
            match self.inner.poll_recv(cx) {
                Poll::Ready(Ok(Some(message))) if step::is_keep_alive(&message) => {}
                received => return received,
            }
        }
    }
}

/// Ends with the channel, which it does not hold.
async fn watch(channel: Weak<dyn SendHalf>, timings: Timings) {
    let mut ticks = interval((timings.keep_alive / 4).max(std::time::Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut seen, mut spoke, mut heard) = (None, Instant::now(), Instant::now());
    loop {
        let now = ticks.tick().await;
        let Some(channel) = channel.upgrade() else { return };
        let traffic = channel.traffic();
        let (sent, arrived) = seen.replace((traffic.sent, traffic.arrived)).unwrap_or_default();
        if traffic.sent != sent {
            spoke = now;
        }
        if traffic.arrived != arrived || traffic.unread > 0 {
            heard = now;
        }
        if now.duration_since(heard) >= timings.silence {
            channel.end(&Ending::Failed(Arc::new(silent(&timings))));
            return;
        }
        // Where there is no room, the peer has enough to hear.
        if now.duration_since(spoke) >= timings.keep_alive && channel.try_send(step::keep_alive()).is_err() {
            return;
        }
    }
}

fn silent(timings: &Timings) -> Error {
    let message = "the peer has been silent for too long; it or the connection is gone";
    Error::new(ErrorKind::Unavailable, "keep alive", message).with("limit", format!("{:?}", timings.silence))
}
