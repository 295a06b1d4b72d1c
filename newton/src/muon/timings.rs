//! How long Muon waits, in one place, so that tests can shorten it.

use std::time::Duration;

/// How long Muon waits for what.
///
/// ```
/// use std::time::Duration;
/// use newton::muon::Timings;
///
/// let timings = Timings { rpc: Duration::from_secs(1), ..Timings::default() };
/// assert_eq!(timings.handshake, Duration::from_secs(3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// For a peer to accept a channel; 3 s.
    pub handshake: Duration,
    /// From one message to a keep-alive; 1 s.
    pub keep_alive: Duration,
    /// For a peer to say anything, before its channel is taken for failed; 5.5 s. Discovery forgets a service after it.
    pub silence: Duration,
    /// From one announcement of a service to the next; 3 s.
    pub announce: Duration,
    /// For the first answer of discovery, after which it is ready all the same; 5.5 s.
    pub discovery: Duration,
    /// For the response to an rpc; 10 s.
    pub rpc: Duration,
    /// For the channels that are open to end by themselves at a shutdown; 5 s.
    pub shutdown: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(3),
            keep_alive: Duration::from_secs(1),
            silence: Duration::from_millis(5500),
            announce: Duration::from_secs(3),
            discovery: Duration::from_millis(5500),
            rpc: Duration::from_secs(10),
            shutdown: Duration::from_secs(5),
        }
    }
}
