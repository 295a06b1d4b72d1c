//! What the shop does: commands to its aggregates, questions to its read models and sagas.

use std::sync::Arc;
use std::time::Duration;

use newton::projection::rusqlite::Row;
use newton::{App, Caller, Newton};

use crate::fulfilment::Fulfilment;
use crate::mail::{AnyMailer, Mailer};
use crate::order::OrderCommand;
use crate::order_table::OrderTable;
use crate::payment::{self, PaymentCommand};
use crate::revenue::Revenue;
use crate::trouble::Trouble;

type Result<T = ()> = std::result::Result<T, Trouble>;

/// The running shop.
pub struct Shop {
    pub app: App,
}

/// How long a question waits for the read models, and the end for what is under way.
const PATIENCE: Duration = Duration::from_secs(10);

impl Shop {
    pub async fn open(store: &str) -> Result<Self> {
        Ok(Self { app: Newton::builder().store(store).service("shop").provide(printer()).start().await? })
    }

    pub async fn place(
        &self,
        order: &str,
        customer: &str,
        address: &str,
        total: u64,
        seconds_to_pay: u64,
    ) -> Result {
        let (customer, address) = (customer.to_owned(), address.to_owned());
        let place = OrderCommand::Place { customer, address, total, seconds_to_pay };
        let receipt =
            self.on(order).execute(order, place).await.map_err(|error| Trouble::of(order, error))?;
        self.app.caught_up::<Fulfilment>(&receipt).within(PATIENCE).await?;
        println!("placed `{order}`, to be paid within {seconds_to_pay} s");
        Ok(())
    }

    /// Pays as soon as the fulfilment has asked for the money: the run that placed the order may have ended before.
    pub async fn pay(&self, order: &str) -> Result {
        self.app.caught_up_now::<Fulfilment>().within(PATIENCE).await?;
        if self.app.saga::<Fulfilment>(order).status().await?.is_none() {
            return Err(Trouble::no_order(order));
        }
        payment::asked_for(&self.app, order).await?;
        let paid = self.on(order).execute(order, PaymentCommand::Pay).await;
        paid.map_err(|error| Trouble::of(order, error))?;
        println!("paid `{order}`");
        self.app.saga::<Fulfilment>(order).ended(PATIENCE).await?;
        Ok(())
    }

    pub async fn list(&self) -> Result {
        self.app.caught_up_all().within(PATIENCE).await?;
        let orders = self.app.view::<OrderTable>()?;
        let sql = "SELECT id, customer, total, stage, payments, refunds, shipments FROM orders ORDER BY id";
        let line = |row: &Row<'_>| {
            let (order, customer): (String, String) = (row.get(0)?, row.get(1)?);
            let (total, stage): (i64, String) = (row.get(2)?, row.get(3)?);
            let (paid, refunded, shipped): (i64, i64, i64) = (row.get(4)?, row.get(5)?, row.get(6)?);
            Ok(format!(
                "{order:<12} {customer:<12} {total:>8}  {stage:<10} paid {paid}, refunded {refunded}, shipped {shipped}"
            ))
        };
        for line in orders.query(sql, (), line).await? {
            println!("{line}");
        }
        Ok(())
    }

    pub async fn revenue(&self) -> Result {
        self.app.caught_up_all().within(PATIENCE).await?;
        self.app.view::<Revenue>()?.with(|revenue| {
            for (day, amount) in &revenue.by_day {
                println!("{day}   {amount:>8}");
            }
            println!("in all       {:>8}", revenue.total);
        });
        Ok(())
    }

    pub async fn saga(&self, order: &str) -> Result {
        let saga = self.app.saga::<Fulfilment>(order);
        let Some(status) = saga.status().await? else { return Err(Trouble::no_order(order)) };
        println!("the fulfilment of `{order}`: {status:?}");
        for record in saga.history().await? {
            println!("{:>5}  {}", record.version, record.record);
        }
        Ok(())
    }

    pub async fn why(&self, order: &str) -> Result {
        let story = self.app.causality().correlation(order).await?;
        if story.is_empty() {
            return Err(Trouble::no_order(order));
        }
        println!("{}", story.to_mermaid());
        Ok(())
    }

    /// The app for what concerns an order: all that comes of it is one story.
    fn on(&self, order: &str) -> App {
        self.app.with(Caller::new().correlation(order))
    }

    /// Ends what is under way.
    pub async fn close(&self) {
        let shutdown = self.app.shutdown(PATIENCE).await;
        if !shutdown.is_complete() {
            eprintln!("not finished, the next run goes on with it: {:?}", shutdown.cut_off);
        }
    }
}

/// Prints each mail.
pub fn printer() -> AnyMailer {
    AnyMailer(Arc::new(Printer))
}

struct Printer;

impl Mailer for Printer {
    fn send(&self, id: &str, text: &str) -> std::io::Result<()> {
        println!("mail {id}: {text}");
        Ok(())
    }
}
