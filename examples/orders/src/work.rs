//! Work for the crash test: orders of all kinds without end, and waiting until all of them have come to theirs.

use std::io::Write;
use std::time::Duration;

use newton::{App, CommandId, ExecuteError};

use crate::fulfilment::Fulfilment;
use crate::mail::ShippingMail;
use crate::order::OrderCommand;
use crate::payment::{self, PaymentCommand, PaymentError};
use crate::shop::Shop;
use crate::trouble::Trouble;

/// Orders that are worked on at the same time.
const AT_ONCE: u64 = 4;

/// Places and pays orders until the process is killed. A line `placed <order>` or `paid <order>` says what is durable.
pub async fn run(app: &App, seed: u64) -> Result<(), Trouble> {
    let mut clerks = tokio::task::JoinSet::new();
    for clerk in 0..AT_ONCE {
        clerks.spawn(serve(app.clone(), seed, clerk));
    }
    while let Some(clerk) = clerks.join_next().await {
        if let Ok(Err(trouble)) = clerk {
            return Err(trouble);
        }
    }
    Ok(())
}

async fn serve(app: App, seed: u64, clerk: u64) -> Result<(), Trouble> {
    for number in 0_u64.. {
        let order = format!("o-{seed}-{clerk}-{number}");
        // One in three is never paid, one in five cannot be shipped.
        let kind = number + clerk;
        let (is_paid, is_lost) = (!kind.is_multiple_of(3), kind.is_multiple_of(5));
        let place = OrderCommand::Place {
            customer: "ada".to_owned(),
            address: if is_lost { "nowhere" } else { "12 Analytical Lane" }.to_owned(),
            total: 10 + kind % 90,
            seconds_to_pay: if is_paid { 3_600 } else { 1 },
        };
        let id = CommandId::from(format!("place-{order}"));
        app.execute(&order, place).command_id(id).await.map_err(|error| Trouble::of(&order, error))?;
        tell(&format!("placed {order}"));
        if is_paid {
            pay(&app, &order).await?;
            tell(&format!("paid {order}"));
        }
    }
    Ok(())
}

/// Pays as soon as the saga has asked for the money.
async fn pay(app: &App, order: &str) -> Result<(), Trouble> {
    payment::asked_for(app, order).await?;
    match app.execute(order, PaymentCommand::Pay).command_id(format!("pay-{order}")).await {
        Ok(_) | Err(ExecuteError::Rejected(PaymentError::AlreadyPaid)) => Ok(()),
        Err(error) => Err(Trouble::of(order, error)),
    }
}

fn tell(line: &str) {
    if std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()).is_err() {
        std::process::exit(1);
    }
}

/// How long an order may take to its end once nothing disturbs it any more.
const LIMIT: Duration = Duration::from_mins(2);

/// Waits until every fulfilment has ended, pays what a killed clerk left unpaid, and lets the read models catch up.
pub async fn settle(shop: &Shop) -> Result<(), Trouble> {
    shop.app.caught_up_now::<Fulfilment>().within(LIMIT).await?;
    let mut after: Option<String> = None;
    loop {
        let running = shop.app.sagas::<Fulfilment>().running(after.as_deref(), 100).await?;
        let Some(last) = running.last() else { break };
        after = Some(last.key.clone());
        for saga in &running {
            match pay(&shop.app, &saga.key).await {
                Ok(()) | Err(Trouble::Refused(_)) => {}
                Err(trouble) => return Err(trouble),
            }
            shop.app.saga::<Fulfilment>(&saga.key).ended(LIMIT).await?;
        }
    }
    shop.app.caught_up_now::<ShippingMail>().within(LIMIT).await?;
    shop.app.caught_up_all().within(LIMIT).await?;
    println!("settled");
    Ok(())
}
