//! The servers that trials need: by which variable each is named, and whether it answers.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::Path;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use lapin::runtime::default_runtime;
use lapin::tcp::OwnedTLSConfig;
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

use crate::trial::block_on;

/// How long a server that is named gets to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where Debian puts the broker's program.
const RABBITMQ_SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Something outside this process that a trial needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    /// A broker that speaks AMQP 0-9-1.
    RabbitMq,
    /// The program of a broker, for trials that end one: it is started by `.ci/services`.
    RabbitMqServer,
    /// The same broker, which encrypts; [`authority`] signed its certificate.
    Encrypted,
    /// The published Muon client, installed below `tests/interop`.
    MuonClient,
}

impl Service {
    /// The environment variable that says where the service is; none for a program, which has its place.
    fn variable(self) -> Option<&'static str> {
        match self {
            Self::RabbitMq => Some("NEWTON_AMQP_URL"),
            Self::Encrypted => Some("NEWTON_AMQPS_URL"),
            Self::RabbitMqServer => None,
            Self::MuonClient => Some("NEWTON_INTEROP"),
        }
    }

    /// Where the service is, or why trials can't have it. A service is asked once, however many trials need it.
    pub(crate) fn place(self) -> Result<String, String> {
        static ASKED: LazyLock<Mutex<BTreeMap<Service, Result<String, String>>>> =
            LazyLock::new(Mutex::default);
        let mut asked = ASKED.lock().expect("no trial panics while it asks for a service");
        asked.entry(self).or_insert_with(|| self.ask()).clone()
    }

    fn ask(self) -> Result<String, String> {
        let Some(variable) = self.variable() else { return is_program(RABBITMQ_SERVER) };
        let place =
            env::var(variable).map_err(|_| format!("{variable} is not set; see `.ci/services help`"))?;
        let answer = match self {
            Self::RabbitMq => block_on(greet(&place, None)),
            Self::Encrypted => {
                let file = authority().map_err(|reason| format!("{self} can't be had: {reason}"))?;
                block_on(greet(&place, std::fs::read_to_string(file).ok()))
            }
            Self::MuonClient => is_installed(&place),
            Self::RabbitMqServer => Ok(()),
        };
        answer.map_err(|reason| format!("{self} can't be had at {variable}: {reason}"))?;
        Ok(place)
    }
}

/// As its maker writes it.
impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::RabbitMq => "RabbitMQ",
            Self::RabbitMqServer => "rabbitmq-server",
            Self::Encrypted => "RabbitMQ over TLS",
            Self::MuonClient => "muon-core",
        })
    }
}

/// The file with the authority that signed the broker's certificate.
pub(crate) fn authority() -> Result<String, String> {
    env::var("NEWTON_AMQPS_CA").map_err(|_| "NEWTON_AMQPS_CA is not set; see `.ci/services help`".to_owned())
}

async fn greet(url: &str, cert_chain: Option<String>) -> Result<(), String> {
    let greeting = async {
        let trusted = OwnedTLSConfig { cert_chain, ..OwnedTLSConfig::default() };
        let properties = ConnectionProperties::default();
        let connection =
            Connection::connect_with_config(url, properties, trusted, default_runtime()?).await?;
        connection.close(200, "".into()).await
    };
    match timeout(PATIENCE, greeting).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

fn is_program(path: &str) -> Result<String, String> {
    if Path::new(path).is_file() {
        Ok(path.to_owned())
    } else {
        Err(format!("there is no {path}; see `.ci/services help`"))
    }
}

fn is_installed(folder: &str) -> Result<(), String> {
    let package = Path::new(folder).join("node_modules/muon-core/package.json");
    if package.is_file() { Ok(()) } else { Err(format!("there is no {}", package.display())) }
}

/// Whether a missing service is a failure.
pub(crate) fn required() -> bool {
    env::var("NEWTON_REQUIRE_SERVICES").is_ok_and(|value| !value.is_empty() && value != "0")
}
