//! Unique values of several aggregates in one append.

use newton::{App, CommandId, ExecuteError, Version};
use newton_tests::{Given, over_every_store};

use super::club::{Member, MemberCommand, MemberError, TeamCommand, join, rename, set_email};
use super::watched::Watched;
use super::{club, owners, reservations, started};

over_every_store!(
    two_may_swap_their_values,
    a_value_may_be_passed_on,
    of_two_that_claim_one_value_the_second_is_refused,
    a_value_of_a_third_is_refused_and_nothing_written,
    kinds_are_reserved_side_by_side,
    it_takes_effect_once,
    a_value_that_is_taken_meanwhile_is_refused,
);

async fn two_members(given: &Given) -> App {
    let app = started(given).await;
    app.execute("ada", join("ada@club")).await.unwrap();
    app.execute("bob", join("bob@club")).await.unwrap();
    app
}

/// Whether the outcome is that an e-mail was taken.
fn is_refused<T>(outcome: Result<T, ExecuteError<newton::domain::AnyRejection>>) -> bool {
    let Err(ExecuteError::Rejected(rejection)) = outcome else { return false };
    rejection.downcast_ref() == Some(&MemberError::EmailTaken)
}

async fn two_may_swap_their_values(given: Given) {
    let app = two_members(&given).await;
    let receipt = app
        .together()
        .execute("ada", set_email("bob@club"))
        .execute("bob", set_email("ada@club"))
        .await
        .unwrap();
    assert_eq!((receipt.events, receipt.version), (2, Version(3)));
    let swapped = [("Member/email=bob@club", "ada"), ("Member/email=ada@club", "bob")];
    assert_eq!(reservations(&**app.events()).await, owners(swapped));
    let last = app.events().head().await.unwrap().current();
    assert_eq!(receipt.order_id, last, "the aggregates' events are the last of the append");
}

async fn a_value_may_be_passed_on(given: Given) {
    let app = two_members(&given).await;
    let taking = set_email("bob@club");
    app.together().execute("ada", taking).execute("bob", MemberCommand::DropEmail).await.unwrap();
    assert_eq!(reservations(&**app.events()).await, owners([("Member/email=bob@club", "ada")]));
}

async fn of_two_that_claim_one_value_the_second_is_refused(given: Given) {
    let app = two_members(&given).await;
    let before = app.events().head().await.unwrap().current();
    let both = app.together().execute("ada", set_email("desk@club")).execute("bob", set_email("desk@club"));
    assert!(is_refused(both.await));
    assert_eq!(app.events().head().await.unwrap().current(), before, "and neither has it");
}

async fn a_value_of_a_third_is_refused_and_nothing_written(given: Given) {
    let app = two_members(&given).await;
    app.execute("cleo", join("cleo@club")).await.unwrap();
    let before = reservations(&**app.events()).await;
    let together = || app.together().execute("ada", MemberCommand::DropEmail);
    assert!(is_refused(together().execute("bob", set_email("cleo@club")).await));
    assert_eq!(reservations(&**app.events()).await, before);
    together().execute("bob", set_email("free@club")).execute("cleo", rename("Cleo")).await.unwrap();
}

async fn kinds_are_reserved_side_by_side(given: Given) {
    let app = started(&given).await;
    let team = TeamCommand::Name { name: "ada@club".into() };
    let receipt = app.together().execute("red", team).execute("ada", join("ada@club")).await.unwrap();
    assert_eq!((receipt.events, receipt.version), (3, Version(1)), "the version is the team's");
    let both = [("Team/name=ada@club", "red"), ("Member/email=ada@club", "ada")];
    assert_eq!(reservations(&**app.events()).await, owners(both));
}

async fn it_takes_effect_once(given: Given) {
    let (app, id) = (two_members(&given).await, CommandId::generate());
    let swap = |app: &App| {
        let swap = app.together().execute("ada", set_email("bob@club"));
        swap.execute("bob", set_email("ada@club")).command_id(id.clone())
    };
    let first = swap(&app).await.unwrap();
    app.execute("ada", MemberCommand::DropEmail).await.unwrap();
    app.execute("cleo", join("bob@club")).await.unwrap();
    for app in [app.clone(), started(&given).await] {
        let again = swap(&app).await.unwrap();
        assert_eq!((again.events, again.order_id, again.duplicate), (2, first.order_id, true));
    }
    let now = [("Member/email=ada@club", "bob"), ("Member/email=bob@club", "cleo")];
    assert_eq!(reservations(&**app.events()).await, owners(now));
}

async fn a_value_that_is_taken_meanwhile_is_refused(given: Given) {
    let (watched, rival) = (Watched::over(&given.stores), two_members(&given).await);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    let taking = rival.clone();
    watched.before_the_next_append(async move {
        taking.execute("cleo", join("desk@club")).await.unwrap();
    });
    let both = app.together().execute("ada", set_email("desk@club")).execute("bob", rename("Bob"));
    assert!(is_refused(both.await));
    watched.before_the_next_append(async move {
        rival.delete::<Member>("cleo").await.unwrap();
        rival.execute("dora", join("other@club")).await.unwrap();
    });
    app.together().execute("ada", set_email("free@club")).execute("bob", rename("Bob")).await.unwrap();
    let three = [
        ("Member/email=free@club", "ada"),
        ("Member/email=bob@club", "bob"),
        ("Member/email=other@club", "dora"),
    ];
    assert_eq!(reservations(&**app.events()).await, owners(three));
}
