//! The commands, one module each.

pub mod discover;
pub mod emit;
pub mod introspect;
mod reconnect;
pub mod replay;
pub mod rpc;
pub mod serve;
pub mod stream;

use crate::cli::ClientCommand;
use crate::exit::{Outcome, Trouble};
use crate::session::Session;

/// Runs a command that talks to services.
///
/// # Errors
/// Why it was not done, with the code for scripts.
pub async fn run(command: ClientCommand, session: &mut Session<'_, '_>) -> Outcome {
    match command {
        ClientCommand::Discover(discover) => discover::run(&discover, session).await,
        ClientCommand::Introspect(introspect) => introspect::run(&introspect, session).await,
        ClientCommand::Rpc(rpc) => rpc::run(rpc, session).await,
        ClientCommand::Stream(stream) => stream::run(stream, session).await,
        ClientCommand::Emit(emit) => emit::run(emit, session).await,
        ClientCommand::Replay(replay) => replay::run(&replay, session).await,
    }
}

/// Says which text was to be JSON and is not.
fn check_json(what: &str, text: &str) -> Outcome {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(Trouble::usage(format!("{what} is not JSON: {error}; a text needs quotes: '\"text\"'")))
        }
    }
}
