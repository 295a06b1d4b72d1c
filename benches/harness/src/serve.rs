//! The main loop of a contestant's process: requests come in and measures go out on a Unix socket, a line of JSON each.

use std::future::Future;
use std::pin::Pin;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::Result;
use crate::contestant::Contestant;
use crate::drive;
use crate::work::{Measure, Request};

type Run = Box<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Result<Measure>> + Send>> + Send + Sync>;

/// The contestants that one program holds, by name.
#[derive(Default)]
pub struct Roster(Vec<(&'static str, Run)>);

impl Roster {
    /// One more contestant. The variant is handed to [`Contestant::open`].
    #[must_use]
    pub fn with<C: Contestant>(mut self, name: &'static str, variant: &'static str) -> Self {
        let run: Run =
            Box::new(move |request| Box::pin(async move { drive::run::<C>(&request, variant).await }));
        self.0.push((name, run));
        self
    }
}

/// Answers requests until the socket closes. The arguments are the socket's path and the contestant's name.
pub fn serve(roster: &Roster) -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [socket, name] = arguments.as_slice() else {
        return Err("give the socket and the contestant's name; the runner does so".into());
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(answer(socket, name, roster))
}

async fn answer(socket: &str, name: &str, roster: &Roster) -> Result<()> {
    let (input, mut output) = UnixStream::connect(socket).await?.into_split();
    let Some((_, run)) = roster.0.iter().find(|(known, _)| *known == name) else {
        return Err(format!("no contestant `{name}` here").into());
    };
    let mut lines = BufReader::new(input).lines();
    while let Some(line) = lines.next_line().await? {
        let measured = run(serde_json::from_str(&line)?).await.map_err(|error| error.to_string());
        output.write_all((serde_json::to_string(&measured)? + "\n").as_bytes()).await?;
    }
    Ok(())
}
