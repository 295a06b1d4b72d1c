//! The arguments of the command line, in one file that reads as its help does.
//!
//! Above 300 lines, since the help is most of it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use newton::muon::protocol::event::Part;

use crate::secret::{Argument, SecretUrl};

/// Publish an event store, and talk to the services of Muon.
///
/// Services find each other over a message broker (RabbitMQ). Say where it is by `--amqp` or in `NEWTON_AMQP_URL`; then `newton serve`
/// publishes an event store there, `newton discover` lists who is there, and the other commands talk to them.
#[derive(Debug, Parser)]
#[command(name = "newton", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  export NEWTON_AMQP_URL=amqp://guest:guest@localhost
  newton serve --store sqlite://events.db       # publish an event store
  newton discover                               # who is there
  newton emit users UserBorn '{\"name\":\"Ada\"}'   # store an event
  newton replay users --from 10 --json          # read a stream from there on
  newton rpc events /stream-names               # ask a service

Exit codes: 0 done, 1 refused by the service, 2 wrong usage, 3 not reachable or failed, 4 no such service, path, stream or folder, \
130 interrupted";

/// What every command takes.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    /// The broker: `amqp://user:password@host[:port][/vhost]`, or `amqps://..` for an encrypted connection
    #[arg(long, global = true, value_name = "URL", env = "NEWTON_AMQP_URL", hide_env_values = true)]
    pub amqp: Option<SecretUrl>,

    /// Send user name and password over an unencrypted connection to another machine all the same
    #[arg(long, global = true)]
    pub insecure: bool,

    /// A file with the certificates of authorities that are believed about an `amqps://` broker, besides those the machine trusts
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// A file with a token on a line: `serve` lets in whoever shows one of them, the other commands show the first
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Write JSON, one value on each line, instead of tables
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Talk to services that run.
    #[command(flatten)]
    Client(ClientCommand),
    /// Publish an event store until it is interrupted
    ///
    /// Every service and every Muon client on the broker can then emit events to it and replay them. Once it is ready it writes the
    /// line `serving <store> as <name>`. SIGTERM and Ctrl-C end it in good order.
    #[command(after_help = "\
Examples:
  newton serve --store sqlite://events.db --amqp amqp://guest:guest@localhost
  newton serve --store memory: --name trial --token-file tokens.txt

An app of Newton opens it by `.store(\"muon+amqp://guest:guest@localhost/events\")`.")]
    Serve(Serve),
}

/// The commands that talk to services.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// List the services that run
    #[command(after_help = "\
Examples:
  newton discover
  newton discover --tag eventstore --wait 5   # also those that answer late")]
    Discover(Discover),
    /// Show what a service offers
    Introspect(Introspect),
    /// Ask a service, and write its answer
    #[command(after_help = "\
`newton introspect SERVICE` lists the paths.

Examples:
  newton rpc events /stats
  newton rpc shop /commands/PaymentPay '{\"id\":\"o-1\",\"payload\":{}}' --json")]
    Rpc(Rpc),
    /// Subscribe to a stream of a service, and write each item as a line of JSON
    #[command(after_help = "\
`newton introspect SERVICE` lists the streams. For the events of an event store there is `newton replay`, which goes on by itself \
after a broken connection.

Examples:
  newton stream shop /prices currency=EUR depth:=3
  newton stream shop /prices --limit 10")]
    Stream(Stream),
    /// Store an event, or one for each line of standard input
    #[command(after_help = "\
Each line of standard input is a payload where STREAM and TYPE are given, and else a whole event, as `newton replay --json` \
writes them. Events are stored in the order of the lines, and the first that is refused ends it. An event whose id is known \
is not stored twice, so that the same lines can be emitted again.

Examples:
  newton emit users UserBorn '{\"name\":\"Ada\"}'
  newton emit users UserBorn < names.jsonl
  newton replay users --json --service old | newton emit --service new")]
    Emit(Emit),
    /// Read the events of a stream
    #[command(after_help = "\
Examples:
  newton replay users                       # what is stored
  newton replay users --from 10 --limit 5
  newton replay __all__ --hot-cold --json   # all, and what is added")]
    Replay(Replay),
}

/// The arguments of `discover`.
#[derive(Args, Debug, Default)]
pub struct Discover {
    /// Only services with this tag, such as `eventstore`; can be given several times
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,

    /// Listen so long for services that do not answer at once, instead of half a second; each announces itself every 3 seconds
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u16>,
}

/// The arguments of `introspect`.
#[derive(Args, Debug)]
pub struct Introspect {
    /// The service's name
    pub service: String,
}

/// The arguments of `rpc`.
#[derive(Args, Debug)]
pub struct Rpc {
    /// The service's name
    pub service: String,
    /// The path, such as `/stats`
    pub path: String,
    /// What to send, as JSON; `-` reads it from standard input
    #[arg(default_value = "{}")]
    pub body: String,
}

/// The arguments of `stream`.
#[derive(Args, Debug)]
pub struct Stream {
    /// The service's name
    pub service: String,
    /// The path of the stream, such as `/ticks`
    pub path: String,
    /// Arguments of the stream: `NAME=TEXT`, or `NAME:=JSON` for numbers and other values
    #[arg(value_name = "ARG=VALUE")]
    pub args: Vec<Argument>,
    /// End after so many items
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Try so long to subscribe again where the connection breaks. The stream begins anew then, so that items may be missing or come
    /// twice
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub reconnect: u32,
}

/// The arguments of `emit`.
#[derive(Args, Debug, Default)]
pub struct Emit {
    /// The stream to append to, such as `users`
    #[arg(requires = "event_type")]
    pub stream: Option<String>,
    /// The type of the event, such as `UserBorn`
    #[arg(value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Its content, as JSON; without it each line of standard input is the content of an event
    pub payload: Option<String>,
    /// The event's id, which makes it safe to emit it again; a random one if it is left out
    #[arg(long, requires = "payload")]
    pub id: Option<String>,
    /// The schema of the content
    #[arg(long)]
    pub schema: Option<String>,
    /// The id or order id of the event that caused it
    #[arg(long, value_name = "ID")]
    pub caused_by: Option<String>,
    /// The event store's name; needed where several run
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
}

/// The arguments of `replay`.
#[derive(Args, Debug, Default)]
pub struct Replay {
    /// The stream; `__all__` is every event
    pub stream: String,
    /// Begin with this order id; 0 is the start
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "hot")]
    pub from: u64,
    /// End after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// What is stored, and then end (default)
    #[arg(long, group = "part")]
    pub cold: bool,
    /// Only what is added from now on
    #[arg(long, group = "part")]
    pub hot: bool,
    /// What is stored, and then what is added
    #[arg(long, group = "part")]
    pub hot_cold: bool,
    /// Try so long to go on after the last event written where the connection breaks; 0 ends at once
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub reconnect: u32,
    /// The event store's name; needed where several run
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
}

impl Replay {
    /// Which part of the stream is asked for.
    pub fn part(&self) -> Part {
        if self.hot {
            Part::Hot
        } else if self.hot_cold {
            Part::HotCold
        } else {
            Part::Cold
        }
    }
}

/// The arguments of `serve`.
#[derive(Args, Debug)]
pub struct Serve {
    /// The store: `sqlite://events.db`, or `memory:` to forget everything at the end
    #[arg(long, value_name = "URL", env = "NEWTON_STORE", hide_env_values = true)]
    pub store: SecretUrl,

    /// The name that others find it by
    #[arg(long, default_value = "events")]
    pub name: String,

    /// Let others end streams by `/stream/delete`; their history stays
    #[arg(long)]
    pub allow_delete: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    fn replay(line: &str) -> Replay {
        match parse(line).unwrap().command {
            Command::Client(ClientCommand::Replay(replay)) => replay,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn one_part_of_a_stream_is_replayed() {
        assert_eq!(replay("newton replay users").part(), Part::Cold);
        assert_eq!(replay("newton replay users --hot").part(), Part::Hot);
        assert_eq!(replay("newton replay users --hot-cold --from 7").part(), Part::HotCold);
        assert!(parse("newton replay users --hot --cold").is_err());
        assert!(parse("newton replay users --hot --from 7").is_err());
        assert!(parse("newton replay users --limit 0").is_err());
        assert!(parse("newton replay users --from -1").is_err());
    }

    #[test]
    fn an_event_has_a_type() {
        assert!(parse("newton emit").is_ok());
        assert!(parse("newton emit users UserBorn").is_ok());
        assert!(parse("newton emit users").is_err());
        assert!(parse("newton emit users UserBorn --id x").is_err());
    }

    #[test]
    fn no_credentials_are_shown() {
        let cli = parse("newton discover --amqp amqp://ada:secret@broker/v").unwrap();
        assert_eq!(cli.common.amqp.as_ref().unwrap().secret(), "amqp://ada:secret@broker/v");
        assert_eq!(cli.common.amqp.as_ref().unwrap().to_string(), "amqp://broker/v");
        assert!(!format!("{cli:?}").contains("secret"), "{cli:?}");
        for line in [
            "newton serve --store muon+amqp://ada:secret@broker/events?token=secret",
            "newton stream shop /prices token=secret",
        ] {
            let cli = parse(line).unwrap();
            assert!(!format!("{cli:?}").contains("secret"), "{cli:?}");
        }
    }

    #[test]
    fn common_arguments_stand_anywhere() {
        assert!(parse("newton --json discover").unwrap().common.json);
        assert!(parse("newton discover --json").unwrap().common.json);
    }
}
