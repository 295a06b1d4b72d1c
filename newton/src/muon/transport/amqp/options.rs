//! How the AMQP transport and discovery behave.

use std::path::PathBuf;

use crate::muon::codec::Limits;
use crate::muon::timings::Timings;

/// How the AMQP transport and discovery behave.
#[derive(Clone, Debug)]
pub struct AmqpOptions {
    /// Whether `amqp:`, which is not encrypted, may be spoken to another machine; no by default.
    pub insecure: bool,
    /// A file of certificates in PEM: authorities that are believed about a broker, besides those that the machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Messages of a channel that are on their way from the broker at a time; 512.
    pub prefetch: u16,
    /// Channels of peers that are being accepted at a time; 256. Further ones wait at the broker.
    pub handshakes: usize,
    /// Channels of peers that have said nothing yet; 512. The oldest fails where there are more, since the broker grants about 2,000 in all.
    pub half_open: usize,
    /// How long is waited for what.
    pub timings: Timings,
    /// How much is taken from others.
    pub limits: Limits,
}

impl Default for AmqpOptions {
    fn default() -> Self {
        Self {
            insecure: false,
            ca_file: None,
            prefetch: 512,
            handshakes: 256,
            half_open: 512,
            timings: Timings::default(),
            limits: Limits::default(),
        }
    }
}
