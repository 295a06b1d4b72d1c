//! `newton rpc`: asks a service.

use newton::muon::ContentType;
use newton::muon::protocol::rpc::{Request, Response};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::check_json;
use crate::cli::Rpc;
use crate::exit::{Exit, Outcome, Trouble};
use crate::session::Session;

/// An answer as `--json` writes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Answer<'a> {
    status: u16,
    content_type: &'a str,
    body: Body<'a>,
}

/// JSON as it is, anything else as text.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Json(&'a RawValue),
    Text(std::borrow::Cow<'a, str>),
}

/// Writes the answer, whatever its status; a status from 400 on is a refusal.
///
/// # Errors
/// Where the service or the path is not found, or the service does not answer or refuses.
pub async fn run(rpc: Rpc, session: &mut Session<'_, '_>) -> Outcome {
    let body = if rpc.body == "-" { session.all_input().await? } else { rpc.body };
    check_json("BODY", &body)?;
    let request = Request { body: body.into(), ..Request::new(&rpc.service, &rpc.path) };
    let request = match &session.token {
        Some(token) => request.with_auth(token.as_str()),
        None => request,
    };
    let response = session.muon.service(&rpc.service).await?.rpc(&request).await?;
    write(&response, session)?;
    match response.status {
        404 => Err(Trouble::new(Exit::NotFound, "the service answered with status 404")),
        status @ 400.. => Err(Trouble::refused(format!("the service answered with status {status}"))),
        _ => Ok(()),
    }
}

fn write(response: &Response, session: &mut Session<'_, '_>) -> Outcome {
    if session.output.is_json() {
        let body = match serde_json::from_slice(&response.body) {
            Ok(json) => Body::Json(json),
            Err(_) => Body::Text(String::from_utf8_lossy(&response.body)),
        };
        let (status, content_type) = (response.status, response.content_type.as_str());
        return session.output.json(&Answer { status, content_type, body });
    }
    let json = (response.content_type == ContentType::Json)
        .then(|| serde_json::from_slice::<Value>(&response.body).ok())
        .flatten()
        .and_then(|body| serde_json::to_string_pretty(&body).ok());
    match json {
        Some(text) => session.output.raw(text.as_bytes()),
        None => session.output.raw(&response.body),
    }
}
