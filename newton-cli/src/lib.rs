//! The command line of Newton: publish an event store, and talk to the services of Muon.
#![doc = include_str!("../README.md")]
//! # Map
//!
//! - [`cli`]: the arguments; [`secret`]: those that are shown in part; [`commands`]: one module for each command, and [`run`](commands::run)
//! - [`connect`]: from arguments to an instance of Muon
//! - [`session`]: what a command works with; [`output`]: what it writes, as [`table`] or as JSON; [`progress`]: how far it is
//! - [`exit`]: how it ends; [`signals`]: what ends it from outside

pub mod cli;
pub mod commands;
pub mod connect;
pub mod exit;
pub mod output;
pub mod progress;
pub mod secret;
pub mod session;
pub mod signals;
pub mod table;

use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::io::BufReader;
use tracing_subscriber::filter::LevelFilter;

use self::cli::{Cli, ClientCommand, Command, Common};
use self::exit::{Outcome, Trouble};
use self::output::Output;
use self::session::Session;
use self::signals::Signals;

/// How long other services have to be told of the end of a command. It ends all the same.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long the services of a broker have to answer once one of them has.
const SETTLE: Duration = Duration::from_millis(500);

/// Runs the command that the process was started with, and says how it ended.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log(&cli.command);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return exit::report(Err(Trouble::failed(format!("no thread can be started: {error}"))));
        }
    };
    let outcome = runtime.block_on(run(cli));
    // A thread that waits for standard input would be waited for.
    runtime.shutdown_background();
    exit::report(outcome)
}

/// Runs a command with the standard streams, until it is done or interrupted.
async fn run(cli: Cli) -> Outcome {
    let Cli { common, command } = cli;
    let mut signals = Signals::new()?;
    let mut out = BufWriter::new(io::stdout());
    let mut output = Output::new(&mut out, common.json, table::terminal_width());
    match command {
        Command::Serve(serve) => commands::serve::run(&serve, &common, &mut output, signals.received()).await,
        Command::Client(command) => {
            let outcome = run_client(command, &common, &mut output, &mut signals).await;
            output.flush().and(outcome)
        }
    }
}

async fn run_client(
    command: ClientCommand,
    common: &Common,
    output: &mut Output<'_>,
    signals: &mut Signals,
) -> Outcome {
    let token = connect::token(common)?;
    let muon = signals.unless(connect::client(common)).await?;
    let mut input = BufReader::new(tokio::io::stdin());
    let mut session = Session {
        muon: muon.clone(),
        token,
        output,
        input: &mut input,
        shows_progress: io::stderr().is_terminal() && !io::stdout().is_terminal(),
        settle: SETTLE,
    };
    let outcome = signals.unless(commands::run(command, &mut session)).await;
    // Nobody waits for a peer that does not hear of it.
    let _ = tokio::time::timeout(FAREWELL, muon.shutdown()).await;
    outcome
}

/// What goes on inside is told on standard error: warnings by a server, failures alone by the other commands, which report their
/// end themselves.
fn log(command: &Command) {
    let level = if matches!(command, Command::Serve(_)) { LevelFilter::WARN } else { LevelFilter::OFF };
    tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(level).with_ansi(false).init();
}
