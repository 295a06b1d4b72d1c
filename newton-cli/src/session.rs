//! What a command that talks to other services works with.

use std::time::Duration;

use newton::muon::{DiscoveryExt, Muon, RemoteService};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use crate::exit::Trouble;
use crate::output::Output;

/// The tag of services that take and replay events.
const EVENT_STORE: &str = "eventstore";

/// An instance of Muon, and the streams of the process.
pub struct Session<'a, 'o> {
    /// Who asks.
    pub muon: Muon,
    /// What is shown to services that ask for a token.
    pub token: Option<String>,
    /// Where answers are written.
    pub output: &'a mut Output<'o>,
    /// Where events and bodies are read from.
    pub input: &'a mut (dyn AsyncBufRead + Unpin + Send),
    /// Whether there is somebody to be shown how far a long command is.
    pub shows_progress: bool,
    /// How long those are listened for who do not answer first.
    pub settle: Duration,
}

impl Session<'_, '_> {
    /// The event store of this name; without a name the only one there is.
    ///
    /// # Errors
    /// Not found; a usage error where there are several to choose from.
    pub async fn event_store(&self, name: Option<&str>) -> Result<RemoteService, Trouble> {
        if let Some(name) = name {
            return Ok(self.muon.service(name).await?);
        }
        let found = self.muon.service_with_tags(&[EVENT_STORE]).await?;
        tokio::time::sleep(self.settle).await;
        let mut names: Vec<String> =
            self.muon.discovery().tagged(&[EVENT_STORE]).into_iter().map(|store| store.identifier).collect();
        names.sort();
        names.dedup();
        if names.len() > 1 {
            let names = names.join(", ");
            return Err(Trouble::usage(format!(
                "several event stores run; name one of them with --service: {names}"
            )));
        }
        Ok(found)
    }

    /// The next line of standard input without its end; none at the end.
    ///
    /// # Errors
    /// Where standard input can't be read, or is not UTF-8.
    pub async fn line(&mut self) -> Result<Option<String>, Trouble> {
        let mut line = String::new();
        if self.input.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        line.truncate(line.trim_end_matches(['\n', '\r']).len());
        Ok(Some(line))
    }

    /// All of standard input.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub async fn all_input(&mut self) -> Result<String, Trouble> {
        let mut text = String::new();
        self.input.read_to_string(&mut text).await?;
        Ok(text)
    }
}
