//! How much is taken from others.

use crate::error::{Error, ErrorKind, Result};

/// How much is taken from others, so that none of them can exhaust this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an encoded message; 16 MiB.
    pub frame: usize,
    /// Bytes of a payload once it is inflated; 16 MiB.
    pub inflated: usize,
    /// Messages that wait in one direction of a channel; 1024.
    pub channel_capacity: usize,
    /// Bytes that wait in one direction of a channel; 64 MiB. As long as there are fewer, one more message goes in, however long.
    pub channel_bytes: usize,
    /// Bytes that wait in all channels inside of one shared channel, counted in the same way; 256 MiB.
    pub shared_bytes: usize,
    /// Channels that a peer may have open inside of one shared channel; 8192.
    pub shared_channels: usize,
    /// Channels that an instance serves at the same time, over all its peers; 65,536.
    pub served_channels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 16 << 20,
            inflated: 16 << 20,
            channel_capacity: 1024,
            channel_bytes: 64 << 20,
            shared_bytes: 256 << 20,
            shared_channels: 8192,
            served_channels: 65_536,
        }
    }
}

impl Limits {
    /// Refuses an encoded message that is too long.
    ///
    /// # Errors
    /// `TooLarge`.
    pub fn admit_frame(&self, bytes: usize) -> Result<()> {
        if bytes <= self.frame {
            return Ok(());
        }
        let message =
            "the message is over the limit of a frame; split it, or raise `Limits::frame` at both ends";
        Err(Error::new(ErrorKind::TooLarge, "decode", message).with("bytes", bytes).with("limit", self.frame))
    }
}
