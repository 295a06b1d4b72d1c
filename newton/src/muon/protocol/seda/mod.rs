//! seda: work in stages, each a bounded queue with workers and a next stage (Welsh, Culler and Brewer, SOSP 2001).
//!
//! - [`Stage`]: one stage; [`StageBuilder`]: its size, its workers and the next one; [`Rates`]: how much goes through it
//! - [`SedaServer`], [`SedaClient`]: stages across services
//!
//! A full stage pushes back: whoever submits to it waits, and if that is the worker of an earlier stage, that stage fills up in turn.

mod client;
mod meter;
mod server;
mod stage;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use client::SedaClient;
pub use meter::Rates;
pub use server::SedaServer;
pub use stage::{Stage, StageBuilder};

/// The protocol, as messages name it.
pub const PROTOCOL: &str = "seda";

const SUBMIT: &str = "stage.submit";
const ACCEPTED: &str = "stage.accepted";
const REFUSED: &str = "stage.refused";

#[derive(Debug, Serialize, Deserialize)]
struct Submitted {
    stage: String,
    #[serde(default)]
    item: Value,
}

#[derive(Debug, Serialize, Deserialize)]
struct Refused {
    error: String,
}
