//! `newton serve`: publishes an event store.

use std::pin::pin;

use newton::muon::instance::Builder;
use newton::server::{StoreService, Tokens};
use newton::store;
use serde::Serialize;

use crate::cli::{Common, Serve};
use crate::connect;
use crate::exit::Outcome;
use crate::output::Output;

/// What is served, as `--json` writes it.
#[derive(Debug, Serialize)]
struct Serving<'a> {
    store: &'a str,
    service: &'a str,
}

/// Publishes the store on the broker until `end`.
///
/// # Errors
/// Where the store can't be opened, the broker can't be reached, or one of them must not be used so.
pub async fn run(
    serve: &Serve,
    common: &Common,
    output: &mut Output<'_>,
    end: impl Future<Output = ()>,
) -> Outcome {
    let tokens = connect::tokens(common)?;
    let builder = connect::builder(common, &serve.name)?;
    publish(serve, tokens, builder, output, end).await
}

/// Publishes the store as the service that the builder makes, until `end`.
///
/// # Errors
/// As [`run`].
pub async fn publish(
    serve: &Serve,
    tokens: Tokens,
    builder: Builder,
    output: &mut Output<'_>,
    end: impl Future<Output = ()>,
) -> Outcome {
    let mut end = pin!(end);
    let service = StoreService::new(store::open(serve.store.secret()).await?).tokens(tokens);
    let service = if serve.allow_delete { service.allow_delete() } else { service };
    let muon = tokio::select! {
        started = service.publish(builder).start() => started?,
        () = &mut end => return Ok(()),
    };
    let told = tell(serve, output);
    if told.is_ok() {
        end.await;
    }
    muon.shutdown().await;
    told
}

fn tell(serve: &Serve, output: &mut Output<'_>) -> Outcome {
    let store = serve.store.to_string();
    let serving = Serving { store: &store, service: &serve.name };
    if output.is_json() {
        output.json(&serving)?;
    } else {
        output.line(&format!("serving {store} as {}", serve.name))?;
    }
    output.flush()
}
