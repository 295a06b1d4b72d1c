//! That the drivers of the published Muon client do their cases, so that a failure against Newton is Newton's.

use std::process::{Command, Stdio};

use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(crate) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq, Service::MuonClient], "interop": [the_drivers_do_their_cases])
}

/// One case of each protocol, the client with itself. The script ends what hangs.
async fn the_drivers_do_their_cases(places: Places) {
    let script = format!("{}/check.js", places.of_service(Service::MuonClient));
    let output = Command::new("node")
        .args([&*script, "emit", "replay-granted", "rpc", "stream"])
        .env("NEWTON_AMQP_URL", places.of_service(Service::RabbitMq))
        .stdin(Stdio::null())
        .output()
        .expect("node on the path");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.matches(": ok").count(), 4, "{text}");
}
