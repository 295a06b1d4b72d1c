//! `newton introspect`: what a service offers.

use newton::muon::protocol::Outline;

use crate::cli::Introspect;
use crate::exit::Outcome;
use crate::session::Session;

/// Shows the protocols of a service, and what can be asked for by each.
///
/// # Errors
/// Where the service is not found or does not answer.
pub async fn run(introspect: &Introspect, session: &mut Session<'_, '_>) -> Outcome {
    let found = session.muon.service(&introspect.service).await?.introspect().await?;
    if session.output.is_json() {
        return session.output.json(&found);
    }
    let rows: Vec<_> = found.protocols.iter().flat_map(rows).collect();
    session.output.table(["PROTOCOL", "RESOURCE", "WHAT IT IS"], &rows)
}

fn rows(outline: &Outline) -> Vec<[String; 3]> {
    let scheme = &outline.protocol_scheme;
    let protocol = [scheme.clone(), String::new(), outline.description.clone()];
    let operations = outline.operations.iter();
    let operations =
        operations.map(|operation| [scheme.clone(), operation.resource.clone(), operation.doc.clone()]);
    std::iter::once(protocol).chain(operations).collect()
}
