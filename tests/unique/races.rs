//! Many writers of several apps on few values.

use std::collections::BTreeMap;

use newton::{App, ErrorKind, ExecuteError};
use newton_tests::random::{Random, seed};
use newton_tests::{Given, over_every_store};

use super::club::{Member, MemberCommand, MemberError, join, set_email};
use super::{reservations, started};

over_every_store!(
    of_many_that_want_a_value_exactly_one_gets_it,
    commands_that_queue_for_one_aggregate_keep_the_order,
    at_the_end_every_value_has_one_owner,
);

async fn of_many_that_want_a_value_exactly_one_gets_it(given: Given) {
    let apps = [started(&given).await, started(&given).await];
    for round in 0..3 {
        let tasks = (0..64).map(|task| {
            let app = apps[task % 2].clone();
            tokio::spawn(async move {
                app.execute(format!("{round}-{task}"), join(&format!("desk-{round}"))).await
            })
        });
        let mut winners = 0;
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(_) => winners += 1,
                Err(error) => assert_eq!(error.rejection(), Some(&MemberError::EmailTaken), "{error}"),
            }
        }
        assert_eq!(winners, 1, "round {round}");
        let owner = apps[0].owner_of::<Member>("email", format!("desk-{round}")).await.unwrap().unwrap();
        let state = apps[1].load::<Member>(&owner).await.unwrap().unwrap().state;
        assert_eq!(state.email, Some(format!("desk-{round}")));
    }
}

async fn commands_that_queue_for_one_aggregate_keep_the_order(given: Given) {
    let app = started(&given).await;
    app.execute("ada", join("0@club")).await.unwrap();
    app.execute("bob", join("taken@club")).await.unwrap();
    let tasks = (0..200_u32).map(|task| {
        let app = app.clone();
        tokio::spawn(async move {
            let command = match task % 4 {
                0 => set_email(&format!("{task}@club")),
                1 => MemberCommand::Rename { name: task.to_string() },
                2 => set_email("taken@club"),
                _ => MemberCommand::DropEmail,
            };
            app.execute("ada", command).await
        })
    });
    let mut refused = 0;
    for task in tasks.collect::<Vec<_>>() {
        if let Err(error) = task.await.unwrap() {
            assert_eq!(error.rejection(), Some(&MemberError::EmailTaken), "{error}");
            refused += 1;
        }
    }
    assert_eq!(refused, 50);
    check(&app).await;
}

async fn at_the_end_every_value_has_one_owner(given: Given) {
    let apps = [started(&given).await, started(&given).await];
    let mut random = Random::new(seed());
    let tasks = (0..8).map(|task| {
        let (app, random) = (apps[task % 2].clone(), random.fork());
        tokio::spawn(async move { work(app, random).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    check(&apps[0]).await;
}

/// Joins, changes and leaves at random.
async fn work(app: App, mut random: Random) {
    for _ in 0..60 {
        let (member, email) = (random.below(6), random.below(4).to_string());
        let outcome = match random.below(8) {
            0 => app.delete::<Member>(member).await.map_err(ExecuteError::<MemberError>::from),
            1 => app.execute(member, MemberCommand::DropEmail).await,
            2 => {
                let other = (member + 1) % 6;
                let both = app.together().execute(member, set_email(&email));
                match both.execute(other, MemberCommand::DropEmail).await {
                    Err(ExecuteError::Failed(error)) => Err(error.into()),
                    _ => continue,
                }
            }
            3..6 => app.execute(member, join(&email)).await,
            _ => app.execute(member, set_email(&email)).await,
        };
        if let Err(ExecuteError::Failed(error)) = outcome {
            let kind = error.kind();
            let harmless =
                matches!(kind, ErrorKind::Conflict { .. } | ErrorKind::Deleted | ErrorKind::NotFound);
            assert!(harmless, "{error}");
        }
    }
}

/// The reservations are what the members have.
async fn check(app: &App) {
    let mut held = BTreeMap::new();
    let streams = newton::store::Streams::all();
    for stream in app.events().streams(streams).await.unwrap().iter().filter(|stream| !stream.deleted) {
        let member = app.load::<Member>(stream.name.id()).await.unwrap().unwrap();
        let Some(email) = member.state.email else { continue };
        let value = format!("club/Member/email={email}");
        let other = held.insert(value, member.id.to_string());
        assert_eq!(other, None, "{email} is held twice");
    }
    assert_eq!(reservations(&**app.events()).await, held);
}
