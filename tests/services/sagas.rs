//! A saga that sends to another service over a broker: whoever is killed and whatever is lost, each command takes effect once.

use std::path::Path;
use std::process::{Command, Stdio};

use newton::muon::Muon;
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use newton::saga::SagaStatus;
use newton::{App, Newton, Version};
use newton_tests::bank::{Account, open};
use newton_tests::vaults::{Gate, Side, Welcome, for_ever};
use tempfile::TempDir;
use uuid::Uuid;

use crate::amqp::{GUARD, discovery, guarded, transport};
use crate::command_line::Running;
use crate::faults::Proxy;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(crate) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "sagas": [
        a_sender_that_is_killed_before_its_command_is_executed_has_it_executed_once,
        a_sender_that_is_killed_before_the_answer_has_its_command_executed_once,
        a_command_whose_answer_is_lost_is_executed_once,
    ])
}

/// The service whose aggregates are sent to, and whose commands stop at a gate.
struct Vaults {
    app: App,
    muon: Muon,
    name: String,
    gate: Gate,
}

impl Vaults {
    async fn behind(side: Side, places: &Places) -> Self {
        let (gate, name) = (Gate::new(side), format!("vaults-{}", Uuid::new_v4()));
        let app = Newton::builder().store("memory:").only::<Account>().middleware(gate.clone());
        let app = app.start().await.expect("it starts");
        let commands = app.expose().commands::<Account>().into_rpc().expect("its account");
        let muon = Muon::builder(&name).transport(transport(places)).discovery(discovery(places));
        let muon = muon.serve(commands).start().await.expect("it starts");
        Self { app, muon, name, gate }
    }

    /// Who sends to this service, by the saga's own rule.
    fn owner(&self) -> String {
        format!("ada@{}", self.name)
    }

    /// The vault was opened once, and got its deposit once.
    async fn assert_once(self) {
        let vault = self.app.load::<Account>("vault-ada").await.expect("a store").expect("a vault");
        assert_eq!((vault.version, vault.state.balance), (Version(2), 7));
        self.muon.shutdown().await;
    }
}

async fn a_sender_that_is_killed_before_its_command_is_executed_has_it_executed_once(places: Places) {
    kill_sender(&places, Side::Before).await;
}

async fn a_sender_that_is_killed_before_the_answer_has_its_command_executed_once(places: Places) {
    kill_sender(&places, Side::Behind).await;
}

async fn kill_sender(places: &Places, side: Side) {
    let vaults = Vaults::behind(side, places).await;
    let folder = TempDir::new().expect("a folder");
    let mut first = sender(places, folder.path(), &vaults);
    guarded(vaults.gate.reached(1)).await;
    assert_eq!(first.end_by("KILL"), None);

    let mut second = sender(places, folder.path(), &vaults);
    // The same command again, whose outcome nobody has recorded.
    guarded(vaults.gate.reached(2)).await;
    vaults.gate.open();
    assert_eq!(second.lines().next().expect("a line").expect("UTF-8"), "ended");
    vaults.assert_once().await;
}

/// A process whose saga sends; it says `ended` once the saga has ended.
fn sender(places: &Places, folder: &Path, vaults: &Vaults) -> Running {
    let url = format!("sqlite://{}", folder.join("bank.db").display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_newton-tests-process"));
    command.args(["send", &url, places.of_service(Service::RabbitMq), &vaults.owner()]);
    Running::start(command.stdout(Stdio::piped()))
}

async fn a_command_whose_answer_is_lost_is_executed_once(places: Places) {
    let vaults = Vaults::behind(Side::Behind, &places).await;
    let proxy = Proxy::before(places.of_service(Service::RabbitMq));
    let cut = AmqpTransport::new(proxy.url(), AmqpOptions::default()).expect("a sound URL");
    let muon = Muon::builder("bank").transport(cut).discovery(discovery(&places)).start().await;
    let muon = muon.expect("it starts");
    let bank = Newton::builder().store("memory:").only::<(Account, Welcome)>().muon(muon.clone());
    let bank = bank.retry_saga_commands(for_ever()).start().await.expect("it starts");
    bank.execute("ada", open(&vaults.owner())).await.expect("it is opened");

    guarded(vaults.gate.reached(1)).await;
    assert!(proxy.cut(), "the command came over the proxy");
    guarded(vaults.gate.reached(2)).await;
    vaults.gate.open();
    let ended = bank.saga::<Welcome>(vaults.owner()).ended(GUARD).await.expect("it ends");
    assert_eq!(ended, SagaStatus::Ended);
    vaults.assert_once().await;
    bank.shutdown(GUARD).await;
    muon.shutdown().await;
}
