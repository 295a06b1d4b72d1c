//! What breaks between services, and what must not come of it.
//!
//! - `connections`: cut and silent ones; `outages`: a broker that is stopped, and a service that is killed
//! - `peers`: what peers do that are no Muon services, by plain AMQP; what is left at the broker
//! - `given`: a service and its client, what is written and read meanwhile, and what must be there then
//! - [`Proxy`]: a connection to the broker that can be cut and stopped; [`OwnBroker`]: a broker that can be ended

mod bombs;
mod broker;
mod clocks;
mod connections;
mod given;
mod outages;
mod peers;
mod pressure;
mod proxy;

use newton::muon::Timings;
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use std::time::Duration;

use self::broker::OwnBroker;
pub(crate) use self::given::until;
pub(crate) use self::proxy::Proxy;
use crate::trial::ServiceTrial;

pub(crate) fn trials() -> Vec<ServiceTrial> {
    let mut list = connections::trials();
    for more in [outages::trials(), peers::trials(), pressure::trials(), bombs::trials(), clocks::trials()] {
        list.extend(more);
    }
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
