//! Many writers of several apps on few values.

use std::collections::BTreeMap;
use std::sync::Arc;

use newton::store::{EventStoreExt, Read, Selection};
use newton::{App, ErrorKind, ExecuteError, StreamName, Version};
use newton_tests::random::{Random, seed};
use newton_tests::{Given, over_every_store};
use tokio::sync::Notify;

use super::club::{Member, MemberCommand, MemberError, join, rename, set_email};
use super::watched::Watched;
use super::{club, reservations, started};

over_every_store!(
    of_many_that_want_a_value_exactly_one_gets_it,
    commands_that_queue_for_one_aggregate_keep_the_order,
    at_the_end_every_value_has_one_owner,
    nothing_is_stored_that_was_decided_behind_a_command_that_was_not,
    commands_that_share_an_append_have_receipts_of_their_own,
    a_command_executed_before_spoils_it_for_no_other,
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

/// Holds the next append up until it is notified, so that further commands queue.
fn queue(watched: &Watched) -> Arc<Notify> {
    let queued = Arc::new(Notify::new());
    let all_queued = queued.clone();
    watched.before_the_next_append(async move { all_queued.notified().await });
    queued
}

async fn nothing_is_stored_that_was_decided_behind_a_command_that_was_not(given: Given) {
    let (watched, rival) = (Watched::over(&given.stores), started(&given).await);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    app.execute("ada", join("a@club")).await.unwrap();
    let (later, queued) = (watched.clone(), Arc::new(Notify::new()));
    let all_queued = queued.clone();
    watched.before_the_next_append(async move {
        all_queued.notified().await;
        later.before_the_next_append(async move {
            rival.execute("ada", set_email("rival@club")).await.unwrap();
        });
    });
    // While the first is stored, the others queue. The rival moves the stream by as many events as the second would, so
    // that the version is the one the third expects; yet with the second the reservation of the third's value is missing.
    let (first, second, third, ()) = tokio::join!(
        app.execute("ada", rename("Ada")),
        app.execute("ada", set_email("b@club")),
        app.execute("ada", set_email("b@club")),
        async { queued.notify_one() },
    );
    for outcome in [first, second, third] {
        outcome.unwrap();
    }
    assert_eq!(app.load::<Member>("ada").await.unwrap().unwrap().state.email.as_deref(), Some("b@club"));
    check(&app).await;
}

async fn commands_that_share_an_append_have_receipts_of_their_own(given: Given) {
    let watched = Watched::over(&given.stores);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    app.execute("ada", join("a@club")).await.unwrap();
    watched.appends();
    let emails = ["b", "c", "d"].map(str::to_owned).to_vec();
    let queued = queue(&watched);
    let (first, second, third, fourth, ()) = tokio::join!(
        app.execute("ada", rename("Ada")),
        app.execute("ada", MemberCommand::SetEmails { emails }),
        app.execute("ada", MemberCommand::Nothing),
        app.execute("ada", rename("Ada L.")),
        async { queued.notify_one() },
    );
    let email = |value: &str| format!("$unique/club/Member/email/{value}");
    let batch = vec![email("a@club"), email("d"), "club/Member/ada".to_owned()];
    assert_eq!(watched.appends(), [vec!["club/Member/ada".to_owned()], batch]);

    let stream = StreamName::parse("club/Member/ada").unwrap();
    let events = app.events().read_all(Read::of(Selection::Stream(stream))).await.unwrap();
    for (receipt, count) in [(first, 1), (second, 3), (fourth, 1)] {
        let receipt = receipt.unwrap();
        assert_eq!((receipt.events, receipt.duplicate), (count, false));
        let last = events.iter().find(|event| event.version == receipt.version).unwrap();
        assert_eq!(
            (receipt.order_id, Some(&receipt.command_id)),
            (last.order_id, last.metadata.command_id.as_ref())
        );
        let own = events.iter().filter(|event| event.metadata.command_id == last.metadata.command_id);
        assert_eq!(own.count(), count);
    }
    let third = third.unwrap();
    assert_eq!((third.events, third.version), (0, Version(6)), "behind the second one");
}

async fn a_command_executed_before_spoils_it_for_no_other(given: Given) {
    let watched = Watched::over(&given.stores);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    app.execute("ada", join("a@club")).await.unwrap();
    let renamed = app.execute("ada", rename("Ada")).command_id("once").await.unwrap();
    let queued = queue(&watched);
    let (_, before, again, twice, behind, ()) = tokio::join!(
        app.execute("ada", rename("1")),
        app.execute("ada", rename("2")),
        app.execute("ada", rename("Ada")).command_id("once"),
        app.execute("ada", rename("3")).command_id("twice"),
        app.execute("ada", rename("3")).command_id("twice"),
        async { queued.notify_one() },
    );
    let again = again.unwrap();
    assert_eq!((again.version, again.order_id, again.duplicate), (renamed.version, renamed.order_id, true));
    assert!(!before.unwrap().duplicate);
    let (twice, behind) = (twice.unwrap(), behind.unwrap());
    assert_eq!((twice.duplicate, behind.duplicate), (false, true));
    assert_eq!(twice.version, behind.version);
    let member = app.load::<Member>("ada").await.unwrap().unwrap();
    assert_eq!((member.version, &*member.state.name), (Version(6), "3"));
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
