//! The channels that an instance has opened, as far as they still live.

use crate::error::{Error, ErrorKind};
use crate::muon::channel::{Sender, WeakSender};

/// Below this many, nothing is cleaned up.
const FEW: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Opened {
    channels: Vec<WeakSender>,
    /// How many there may be until those that have ended are taken out.
    clean_at: usize,
}

impl Opened {
    pub(super) fn add(&mut self, sender: &Sender) {
        if self.channels.len() >= self.clean_at {
            self.channels.retain(|channel| channel.upgrade().is_some());
            self.clean_at = (self.channels.len() * 2).max(FEW);
        }
        self.channels.push(sender.downgrade());
    }

    pub(super) fn end_all(self) {
        for sender in self.channels.iter().filter_map(WeakSender::upgrade) {
            let message = "the transport was closed while the channel was open";
            sender.fail(Error::new(ErrorKind::Closed, "close the transport", message));
        }
    }
}
