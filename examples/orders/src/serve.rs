//! A part of the shop as a process of its own, until it is told to end.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Cli, PartCommand};
use crate::parts::{self, Part};
use crate::shop::printer;
use crate::trouble::Trouble;
use crate::work;

/// Runs the part; the line `running ..` says that it does.
pub async fn run(cli: &Cli, part: &PartCommand) -> Result<(), Trouble> {
    let broker = cli.amqp.as_deref().ok_or_else(|| {
        let message =
            "no broker is named; give --amqp amqp://user:password@host, or put that into NEWTON_AMQP_URL";
        newton::Error::new(newton::ErrorKind::Configuration, "start", message)
    })?;
    let told = told().map_err(|error| {
        let message = "the signals that end the process cannot be taken";
        newton::Error::new(newton::ErrorKind::Internal, "start", message).caused_by(error)
    })?;
    match part {
        PartCommand::Shop { work: seed } => {
            let shop = parts::shop(&cli.store, parts::at_broker(broker, &cli.shop)?).await?;
            println!("running shop");
            let app = shop.app.clone();
            let work = async {
                match seed {
                    Some(seed) => work::run(&app, *seed).await,
                    None => std::future::pending().await,
                }
            };
            until(told, shop, work).await
        }
        PartCommand::Fulfilment { tables } => {
            let service = parts::at_broker(broker, &format!("{}-fulfilment", cli.shop))?;
            let fulfilment = parts::fulfilment(&cli.store, service, &cli.shop, tables, printer()).await?;
            println!("running fulfilment");
            until(told, fulfilment, std::future::pending()).await
        }
    }
}

async fn until(
    told: impl Future<Output = ()>,
    part: Part,
    work: impl Future<Output = Result<(), Trouble>>,
) -> Result<(), Trouble> {
    let done = tokio::select! {
        done = work => done,
        () = told => Ok(()),
    };
    part.close().await;
    done
}

/// Waits for Ctrl-C, or for the signal by which service managers end a process. From now on neither kills it.
fn told() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
