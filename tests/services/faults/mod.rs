//! What breaks between services, and what must not come of it.
//!
//! - `connections`: cut, silent and slow ones, and a service that is killed
//! - `peers`: what peers do that are no Muon services, by plain AMQP; what is left at the broker
//! - [`Proxy`]: a connection to the broker that can be cut and stopped

mod connections;
mod peers;
mod proxy;

use newton::muon::Timings;
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use std::time::Duration;

pub(crate) use self::proxy::Proxy;
use crate::trial::ServiceTrial;

pub(crate) fn trials() -> Vec<ServiceTrial> {
    let mut list = connections::trials();
    list.extend(peers::trials());
    list
}

/// A transport that takes a peer for gone after a second.
fn impatient(url: &str) -> AmqpTransport {
    let timings = Timings {
        keep_alive: Duration::from_millis(200),
        silence: Duration::from_secs(1),
        ..Timings::default()
    };
    AmqpTransport::new(url, AmqpOptions { timings, ..AmqpOptions::default() }).expect("a sound URL")
}
