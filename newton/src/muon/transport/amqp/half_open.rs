//! Channels of peers that have said nothing yet.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::error::{Error, ErrorKind};
use crate::muon::channel::{Sender, WeakSender};
use crate::sync::lock;

/// So many channels at most, the oldest first. It makes room for a new one: whoever means to speak does so at once, and gets a channel
/// however many others ask for some and say nothing.
pub(super) struct HalfOpen {
    channels: Mutex<VecDeque<WeakSender>>,
    limit: usize,
}

impl HalfOpen {
    pub(super) fn new(limit: usize) -> Self {
        Self { channels: Mutex::default(), limit: limit.max(1) }
    }

    pub(super) fn add(&self, sender: &Sender) {
        let mut channels = lock(&self.channels);
        if channels.len() >= self.limit {
            channels.retain(|channel| channel.upgrade().is_some_and(|sender| sender.traffic().arrived == 0));
        }
        let oldest = if channels.len() < self.limit { None } else { channels.pop_front() };
        channels.push_back(sender.downgrade());
        drop(channels);
        if let Some(oldest) = oldest.and_then(|channel| channel.upgrade()) {
            let message = "too many channels are open on which nobody has spoken, and this is the oldest; open another one, and speak";
            oldest.fail(
                Error::new(ErrorKind::Unavailable, "accept a channel", message).with("limit", self.limit),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::muon::Message;
    use crate::muon::channel::pair;

    #[tokio::test]
    async fn the_oldest_that_is_silent_makes_room() {
        let half_open = HalfOpen::new(2);
        let ends: Vec<_> = (0..4).map(|_| pair(1)).collect();
        ends[0].1.send(Message::new("test", "step", "{}")).await.unwrap();
        for (end, _) in &ends {
            half_open.add(end.sender());
        }
        let is_open = |at: usize| ends[at].0.sender().try_send(Message::new("test", "step", "{}")).is_ok();
        assert_eq!([0, 1, 2, 3].map(is_open), [true, false, true, true]);
    }
}
