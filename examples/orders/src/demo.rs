//! A short tour: an order that is paid and shipped, one that cannot be shipped, and one that nobody pays in time.

use std::time::Duration;

use newton::muon::descriptor::url_without_secrets;
use newton::saga::SagaStatus;
use newton::store::{EventStoreExt, Streams};
use newton::{Aggregate, StreamName};

use crate::fulfilment::Fulfilment;
use crate::order::Order;
use crate::shop::Shop;
use crate::trouble::Trouble;

pub async fn run(shop: &Shop, store: &str) -> Result<(), Trouble> {
    let first = number_of_orders(shop).await? + 1;
    let [good, lost, late] = [first, first + 1, first + 2].map(|number| format!("o-{number}"));
    println!("A day in the shop, kept in {}:", url_without_secrets(store));
    shop.place(&good, "ada", "12 Analytical Lane", 120, 3_600).await?;
    shop.place(&lost, "charles", "nowhere", 80, 3_600).await?;
    shop.place(&late, "grace", "1 Harbour Street", 50, 1).await?;
    shop.pay(&good).await?;
    shop.pay(&lost).await?;
    for order in [&good, &lost, &late] {
        let ended: SagaStatus = shop.app.saga::<Fulfilment>(order).ended(Duration::from_mins(1)).await?;
        println!("the fulfilment of `{order}`: {ended:?}");
    }
    println!("\nOrders:");
    shop.list().await?;
    println!("\nRevenue:");
    shop.revenue().await?;
    println!("\nWhat the fulfilment of `{lost}` did:");
    shop.saga(&lost).await?;
    println!("\nRun it again and it continues from here. `orders --help` shows what else it can do.");
    Ok(())
}

async fn number_of_orders(shop: &Shop) -> Result<usize, Trouble> {
    let domain = Some(StreamName::parse(Order::DOMAIN)?);
    let streams = Streams { domain, limit: 1_000, ..Streams::all() };
    let orders: Vec<_> =
        futures_util::TryStreamExt::try_collect(shop.app.events().all_streams(streams)).await?;
    Ok(orders.len())
}
