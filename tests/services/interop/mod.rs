//! The published Muon client, unmodified, against Newton: over a real broker, in both directions.
//!
//! - [`Driver`]: one process of the client; `tests/interop/README.md` says what each can do
//! - `emitting`, `replaying`: the client of a store that Newton publishes; `calling`: the client of other services of Newton
//! - `broken`: connections that are cut, and a store that is started again
//! - `serving`: Newton as the client of the library's servers
//! - [`Visible`]: a store that is found by its tags

mod broken;
mod calling;
mod driver;
mod emitting;
mod replaying;
mod serving;

use std::process::{Command, Stdio};
use std::time::Duration;

use newton::muon::discovery::AmqpDiscovery;
use newton::muon::transport::AmqpOptions;
use newton::muon::{Builder, Muon, Timings};
use newton::server::StoreService;
use newton::store::{MemoryStore, Stores};
use tokio::sync::{Mutex, MutexGuard};

use self::driver::Driver;
use crate::amqp::{GUARD, discovery, transport};
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

/// The name of every store that can be found: what others still say of one that is gone leads to the one that is there.
const STORE: &str = "interop-store";

/// Text, numbers and nesting that are easily spoilt, as the client writes them.
pub(crate) const ODD: &str = r#"{"name":"Grüße \"ẞ\" \\ \n","face":"😀👩‍🚀","nested":{"list":[1,2.5,-3e-7,null,true,[]],"deep":{"er":{"ö":{}}}}}"#;

pub(crate) fn trials() -> Vec<ServiceTrial> {
    let mut list = trials!([Service::RabbitMq, Service::MuonClient], "interop": [the_drivers_do_their_cases]);
    list.extend(broken::trials());
    list.extend(emitting::trials());
    list.extend(replaying::trials());
    list.extend(calling::trials());
    list.extend(serving::trials());
    list
}

/// One case of each protocol, the client with itself, so that a failure against Newton is Newton's. The script ends what hangs.
async fn the_drivers_do_their_cases(places: Places) {
    let _alone = alone().await;
    let script = format!("{}/check.js", places.of_service(Service::MuonClient));
    let output = Command::new("node")
        .args([&*script, "emit", "replay-granted", "rpc", "stream"])
        .env("NEWTON_AMQP_URL", places.of_service(Service::RabbitMq))
        .stdin(Stdio::null())
        .output()
        .expect("node on the path");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.matches(": ok").count(), 4, "{text}");
}

/// The client takes any service that is tagged as an event store, so that there may be one at a time.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// A store in memory that Newton publishes, and that everybody finds.
struct Visible<'a> {
    places: &'a Places,
    stores: Stores,
    server: Muon,
    _alone: MutexGuard<'static, ()>,
}

impl<'a> Visible<'a> {
    async fn new(places: &'a Places, configure: impl FnOnce(StoreService) -> StoreService) -> Self {
        let alone = alone().await;
        let stores = Stores::of(MemoryStore::new());
        let builder = served(places, STORE);
        let server = configure(StoreService::new(stores.clone())).publish(builder).start().await;
        Self { places, stores, server: server.expect("the store is published"), _alone: alone }
    }

    async fn end(self) {
        self.server.shutdown().await;
    }
}

/// A service that does not wait at its end for drivers, which leave without closing what they have open.
fn served(places: &Places, name: &str) -> Builder {
    let timings = Timings { shutdown: Duration::from_millis(100), ..Timings::default() };
    Muon::builder(name).timings(timings).transport(transport(places)).discovery(discovery(places))
}

/// A service that waits for others for as long as it takes.
async fn client(places: &Places) -> Muon {
    let timings = Timings { discovery: GUARD, ..Timings::default() };
    let builder = Muon::builder("interop-newton").timings(timings);
    // The published services tell of themselves every 3 s, so that they cannot be forgotten sooner than usual.
    let patient = Timings { discovery: Duration::from_millis(500), ..Timings::default() };
    let options = AmqpOptions { timings: patient, ..AmqpOptions::default() };
    let discovery = AmqpDiscovery::new(places.of_service(Service::RabbitMq), options).expect("a sound URL");
    builder.transport(transport(places)).discovery(discovery).start().await.expect("the client starts")
}
