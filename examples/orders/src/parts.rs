//! The shop as two services on one store: the aggregates in one, the saga with the read models and the mails in the other.
//!
//! None of the domain code knows. The store is whatever the URL names, which both reach, such as one that `newton serve` publishes; the
//! commands of the saga travel to the other part over Muon.

use std::path::Path;
use std::time::Duration;

use newton::muon::discovery::AmqpDiscovery;
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use newton::muon::{Builder, Muon};
use newton::repository::RetryPolicy;
use newton::{App, Newton};

use crate::fulfilment::Fulfilment;
use crate::mail::{AnyMailer, ShippingMail};
use crate::order::Order;
use crate::order_table::OrderTable;
use crate::payment::Payment;
use crate::revenue::Revenue;
use crate::shipment::Shipment;

type Aggregates = (Order, Payment, Shipment);
type Reactions = (Fulfilment, ShippingMail, OrderTable, Revenue);

/// A part that runs.
pub struct Part {
    pub app: App,
    muon: Muon,
}

/// A service of this name at a broker, not started yet.
pub fn at_broker(url: &str, name: &str) -> newton::Result<Builder> {
    let transport = AmqpTransport::new(url, AmqpOptions::default())?;
    let discovery = AmqpDiscovery::new(url, AmqpOptions::default())?;
    Ok(Muon::builder(name).transport(transport).discovery(discovery))
}

/// The part with the aggregates, whose commands everybody may send who reaches the service.
pub async fn shop(store: &str, service: Builder) -> newton::Result<Part> {
    let app = Newton::builder().store(store).service("shop").only::<Aggregates>().start().await?;
    let commands = app.expose().commands::<Order>().commands::<Payment>().commands::<Shipment>();
    let muon = service.serve(commands.into_rpc()?).start().await?;
    Ok(Part { app, muon })
}

/// The part with the saga, which sends its commands to the service `shop`. The tables of its read model are in the folder `tables`.
pub async fn fulfilment(
    store: &str,
    service: Builder,
    shop: &str,
    tables: &Path,
    mailer: AnyMailer,
) -> newton::Result<Part> {
    let muon = service.start().await?;
    let app = Newton::builder()
        .store(store)
        .service("fulfilment")
        .only::<Reactions>()
        .elsewhere::<Aggregates>(shop)
        .muon(muon.clone())
        .retry_saga_commands(PATIENT)
        .projections_in(tables)
        .provide(mailer);
    Ok(Part { app: app.start().await?, muon })
}

/// A shop that is away for a while is no reason to cancel an order.
const PATIENT: RetryPolicy =
    RetryPolicy { attempts: u32::MAX, base: Duration::from_millis(50), longest: Duration::from_secs(1) };

impl Part {
    /// Ends what is under way.
    pub async fn close(self) {
        self.muon.shutdown().await;
        self.app.shutdown(Duration::from_secs(10)).await;
    }
}
