//! A saga of three commands, each sent when the one before has had its effect.

use std::convert::Infallible;
use std::path::Path;
use std::time::{Duration, Instant};

use newton::Newton;
use newton::prelude::*;
use newton::store::open;
use tokio::task::JoinSet;

use crate::Failure;
use crate::counting::Counting;

#[derive(Event, Clone, Debug)]
enum StopEvent {
    Reached {
        #[tag]
        tour: String,
        stop: u64,
    },
}

#[derive(Command, Clone, Debug)]
enum StopCommand {
    Reach { tour: String, stop: u64 },
}

#[derive(Aggregate, Clone, Debug, Default)]
#[aggregate(context = "bench", rejection = Infallible)]
struct Stop {
    reached: u64,
}

impl Stop {
    fn decide(&self, command: StopCommand) -> Result<StopEvent, Infallible> {
        let StopCommand::Reach { tour, stop } = command;
        Ok(StopEvent::Reached { tour, stop })
    }

    fn evolve(&mut self, _: &StopEvent) {
        self.reached += 1;
    }
}

/// Begins with the first stop; goes to three more, one after the other.
#[derive(Saga, Clone, Debug, Default)]
#[saga(context = "bench", key = "tour", starts_on(StopEvent::Reached), handles(StopEvent))]
struct Tour {
    stops: u64,
}

const COMMANDS: u64 = 3;

impl On<StopEvent> for Tour {
    fn on(&mut self, event: &StopEvent, flow: &mut Flow) -> Result<()> {
        let StopEvent::Reached { tour, stop } = event;
        self.stops += 1;
        if *stop < COMMANDS {
            let next = stop + 1;
            flow.send(format!("{tour}-{next}"), StopCommand::Reach { tour: tour.clone(), stop: next });
        } else {
            flow.end();
        }
        Ok(())
    }
}

const CLIENTS: u64 = 64;
const TOURS: u64 = 32;
const ROUNDS: u64 = 5;

/// Prints how many sagas come to their end in a second, and how many appends each takes.
#[expect(clippy::cast_precision_loss, reason = "a rate needs no precision")]
pub async fn measure(file: &Path) -> Result<(), Failure> {
    let (stores, counting) = Counting::over(&open(&format!("sqlite://{}", file.display())).await?);
    let app = Newton::builder().stores(stores).only::<(Stop, Tour)>().start().await?;
    let (mut rates, mut appends) = (Vec::new(), 0.0);
    for round in 0..ROUNDS {
        let (start, before) = (Instant::now(), counting.appends());
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let app = app.clone();
            clients.spawn(async move {
                for number in 0..TOURS {
                    let tour = format!("t-{round}-{client}-{number}");
                    app.execute(format!("{tour}-0"), StopCommand::Reach { tour: tour.clone(), stop: 0 })
                        .await?;
                    app.saga::<Tour>(&tour).ended(Duration::from_mins(1)).await?;
                }
                Ok::<_, Failure>(())
            });
        }
        clients.join_all().await.into_iter().collect::<Result<(), Failure>>()?;
        let tours = (CLIENTS * TOURS) as f64;
        rates.push(tours / start.elapsed().as_secs_f64());
        appends = (counting.appends() - before) as f64 / tours;
    }
    rates.sort_by(f64::total_cmp);
    println!(
        "sagas of {COMMANDS} commands, {CLIENTS} at a time: {:.0} sagas/s (median of {ROUNDS}), {appends:.2} appends each",
        rates[rates.len() / 2]
    );
    app.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
