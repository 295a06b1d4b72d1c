//! Two apps over one file: one runs a projection, the other stands by, reads what it wrote, and takes over.

use std::time::Duration;

use newton::subscription::Phase;
use newton::{App, ErrorKind, Newton};
use newton_tests::Given;
use newton_tests::bank::{Account, deposit, open};
use newton_tests::recorder::eventually;

use super::views::Table;
use super::{fill, folded, rows};

async fn node(given: &Given) -> App {
    Newton::builder().store(given.url()).only::<(Account, Table)>().start().await.unwrap()
}

async fn is_in(app: &App, phase: Phase) -> bool {
    app.status::<Table>().await.unwrap().phase == phase
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_app_stands_by_and_reads_what_the_first_wrote() {
    let given = Given::sqlite().await;
    let one = node(&given).await;
    let first = fill(&one, 5).await;
    one.caught_up::<Table>(&first).await.unwrap();
    let two = node(&given).await;
    eventually("standing by", async || is_in(&two, Phase::StandingBy).await).await;
    let health = two.health().await;
    assert!(health.is_green(), "to stand by is no trouble: {health:?}");
    assert_eq!(health.reactions[0].phase, Phase::StandingBy);

    let written = two.execute("acc-1", deposit(7)).await.unwrap();
    two.caught_up::<Table>(&written).await.unwrap();
    assert_eq!(rows::<Table>(&two).await, folded(&*given.stores.events).await);
    assert_eq!(two.status::<Table>().await.unwrap().position, written.order_id);
    let error = two.rebuild::<Table>().await.map(drop).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");

    assert!(two.shutdown(Duration::from_mins(1)).await.is_complete());
    let later = one.execute("acc-1", deposit(7)).await.unwrap();
    one.caught_up::<Table>(&later).await.unwrap();
    assert!(is_in(&one, Phase::Live).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_app_takes_over_and_each_event_applies_once() {
    let given = Given::sqlite().await;
    let writing = given.app().start().await.unwrap();
    for account in 0..10 {
        writing.execute(format!("acc-{account}"), open("Ada")).await.unwrap();
    }
    let mut leader = node(&given).await;
    leader.caught_up_all().await.unwrap();
    for round in 0..5 {
        let next = node(&given).await;
        eventually("standing by", async || is_in(&next, Phase::StandingBy).await).await;
        let mut last = None;
        for number in 0..100 {
            last = Some(writing.execute(format!("acc-{}", number % 10), deposit(round)).await.unwrap());
            if number == 50 {
                // In the middle of its work, and without a word.
                let old = std::mem::replace(&mut leader, next.clone());
                drop(old);
            }
        }
        next.caught_up::<Table>(&last.unwrap()).await.unwrap();
        eventually("live", async || is_in(&next, Phase::Live).await).await;
        assert_eq!(rows::<Table>(&next).await, folded(&*given.stores.events).await, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_projection_is_not_waited_for() {
    let given = Given::sqlite().await;
    let writing = given.app().start().await.unwrap();
    let app = node(&given).await;
    app.caught_up_all().await.unwrap();
    assert!(app.shutdown(Duration::from_mins(1)).await.is_complete());
    let missed = writing.execute("acc-1", open("Ada")).await.unwrap();
    let error = app.caught_up::<Table>(&missed).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Closed, "{error}");
    assert!(error.to_string().contains("stopped"), "{error}");
}
