//! `newton discover`: the services that run.

use std::time::Duration;

use newton::muon::{Descriptor, DiscoveryExt};

use crate::cli::Discover;
use crate::exit::Outcome;
use crate::session::Session;

/// Lists the services, sorted; not the command itself, which is one for so long.
///
/// # Errors
/// Where the list can't be written.
pub async fn run(discover: &Discover, session: &mut Session<'_, '_>) -> Outcome {
    let wait = discover.wait.map_or(session.settle, |seconds| Duration::from_secs(seconds.into()));
    tokio::time::sleep(wait).await;
    let tags: Vec<&str> = discover.tags.iter().map(String::as_str).collect();
    let own = session.muon.descriptor();
    let mut services = session.muon.discovery().tagged(&tags);
    services.retain(|service| !service.is_same_instance(own));
    services.sort_by(|a, b| (&a.identifier, &a.instance_id).cmp(&(&b.identifier, &b.instance_id)));
    let services = services.into_iter().map(Descriptor::without_credentials);
    if session.output.is_json() {
        for service in services {
            session.output.json(&service)?;
        }
        return Ok(());
    }
    let rows: Vec<_> = services.map(row).collect();
    session.output.table(["SERVICE", "TAGS", "URLS", "CAPABILITIES", "INSTANCE"], &rows)
}

fn row(service: Descriptor) -> [String; 5] {
    [
        service.identifier,
        service.tags.join(","),
        service.connection_urls.join(","),
        service.capabilities.join(","),
        service.instance_id.unwrap_or_default(),
    ]
}
