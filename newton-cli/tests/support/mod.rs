//! Services of one process, and commands that talk to them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]
#![allow(dead_code, reason = "each file of tests uses a part")]

use std::time::Duration;

use clap::Parser;
use newton::muon::discovery::{MemoryDiscovery, StaticList};
use newton::muon::instance::Builder;
use newton::muon::transport::MemoryNetwork;
use newton::muon::{Descriptor, Muon, Timings};
use newton::server::StoreService;
use newton_cli::cli::{Cli, ClientCommand, Command, Serve};
use newton_cli::exit::Outcome;
use newton_cli::output::Output;
use newton_cli::session::Session;
use serde_json::Value;

/// The services.
#[derive(Debug)]
pub(crate) struct Network {
    transports: MemoryNetwork,
    discovery: MemoryDiscovery,
    remembered: Option<Descriptor>,
    pub(crate) servers: Vec<Muon>,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self {
            transports: MemoryNetwork::new(),
            discovery: MemoryDiscovery::new(),
            remembered: None,
            servers: Vec::new(),
        }
    }

    /// With a service that is announced whether it runs or not.
    pub(crate) fn that_remembers(service: &str) -> Self {
        let mut descriptor = Descriptor::new(service);
        descriptor.instance_id = None;
        descriptor.tags.push("eventstore".to_owned());
        descriptor.connection_urls.push(format!("memory://{service}"));
        Self { remembered: Some(descriptor), ..Self::new() }
    }

    /// With a store in memory that a service of this name publishes.
    pub(crate) async fn with_store(name: &str, configure: impl FnOnce(StoreService) -> StoreService) -> Self {
        let mut network = Self::new();
        network.servers.push(network.store(name, configure).await);
        network
    }

    pub(crate) async fn store(
        &self,
        name: &str,
        configure: impl FnOnce(StoreService) -> StoreService,
    ) -> Muon {
        let service = configure(StoreService::new(newton::store::open("memory:").await.unwrap()));
        service.publish(self.builder(name)).start().await.unwrap()
    }

    /// The parts of another instance. What does not exist or end is not waited for.
    pub(crate) fn builder(&self, name: &str) -> Builder {
        let short = Duration::from_millis(50);
        let timings = Timings { discovery: short, shutdown: short, ..Timings::default() };
        let transport = self.transports.transport().shared();
        Muon::builder(name)
            .transport(transport)
            .discovery(self.discovery.clone())
            .discovery(StaticList::new(self.remembered.clone()))
            .timings(timings)
    }

    /// Runs a command as an instance of its own.
    pub(crate) async fn run(
        &self,
        arguments: &[&str],
        out: &mut (dyn std::io::Write + Send),
        is_json: bool,
        token: Option<&str>,
        mut input: &[u8],
    ) -> Outcome {
        let muon = self.builder("newton-cli").start().await.unwrap();
        let mut output = Output::new(out, is_json, None);
        let mut session = Session {
            muon: muon.clone(),
            token: token.map(str::to_owned),
            output: &mut output,
            input: &mut input,
            shows_progress: false,
            settle: Duration::ZERO,
        };
        let outcome = newton_cli::commands::run(client_command(arguments), &mut session).await;
        muon.shutdown().await;
        outcome
    }

    /// The lines of a command with `--json`.
    pub(crate) async fn run_json(&self, arguments: &[&str], input: &[u8]) -> Outcome<String> {
        let mut out = Vec::new();
        self.run(arguments, &mut out, true, None, input).await?;
        Ok(String::from_utf8(out).unwrap())
    }

    pub(crate) async fn json(&self, arguments: &[&str]) -> Outcome<Vec<Value>> {
        Ok(lines(&self.run_json(arguments, b"").await?))
    }

    pub(crate) async fn fed(&self, input: &[u8], arguments: &[&str]) -> Outcome<String> {
        self.run_json(arguments, input).await
    }

    pub(crate) async fn with_token(&self, token: Option<&str>, arguments: &[&str]) -> Outcome<String> {
        let mut out = Vec::new();
        self.run(arguments, &mut out, true, token, b"").await?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// What people see on a terminal so wide.
    pub(crate) async fn text(&self, width: usize, arguments: &[&str]) -> Outcome<String> {
        let muon = self.builder("newton-cli").start().await.unwrap();
        let mut out = Vec::new();
        let mut output = Output::new(&mut out, false, Some(width));
        let mut session = Session {
            muon: muon.clone(),
            token: None,
            output: &mut output,
            input: &mut &b""[..],
            shows_progress: false,
            settle: Duration::ZERO,
        };
        let outcome = newton_cli::commands::run(client_command(arguments), &mut session).await;
        muon.shutdown().await;
        outcome?;
        Ok(String::from_utf8(out).unwrap())
    }
}

pub(crate) fn client_command(arguments: &[&str]) -> ClientCommand {
    match command(arguments) {
        Command::Client(command) => command,
        Command::Serve(serve) => panic!("{serve:?} is no client"),
    }
}

/// The values of lines of JSON.
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn serve(arguments: &[&str]) -> Serve {
    match command(arguments) {
        Command::Serve(serve) => serve,
        Command::Client(client) => panic!("{client:?} serves nothing"),
    }
}

fn command(arguments: &[&str]) -> Command {
    Cli::try_parse_from(std::iter::once("newton").chain(arguments.iter().copied())).unwrap().command
}
