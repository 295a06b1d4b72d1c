//! A value that is declared unique has at most one owner, and whoever wants it gets the aggregate's own rejection.
//!
//! - [`club`]: the aggregates; [`watched`]: a store that shows what is appended
//! - [`together`]: several commands at once; [`races`]: many writers; [`model`]: random commands against a model
//! - [`before`]: aggregates that were there before, and what is checked at the start

mod before;
mod club;
mod model;
mod races;
mod together;
mod watched;

use std::collections::BTreeMap;

use newton::app::Builder;
use newton::causality::Node;
use newton::store::{EventStore, EventStoreExt, Read, Selection, Streams};
use newton::{App, CommandId, Error, ErrorKind, ExecuteError, Newton, StreamName, Version};
use newton_tests::{Given, over_every_store};

use self::club::{Member, MemberCommand, MemberError, Team, TeamCommand, TeamError, join, rename, set_email};
use self::watched::Watched;

over_every_store!(
    a_value_is_reserved_in_the_append_of_its_event,
    a_value_of_another_is_refused_by_the_users_own_rejection,
    a_change_gives_up_the_old_value,
    deleting_gives_up_every_value_in_the_same_append,
    what_changes_no_unique_value_costs_nothing_more,
    a_value_that_comes_back_in_one_decision_was_never_gone,
    fields_and_kinds_of_aggregates_are_apart,
    an_empty_text_is_a_value,
    any_text_is_a_value,
    a_command_delivered_twice_reserves_once,
    one_command_id_may_reach_several_owners,
    a_lost_answer_is_found_again,
    a_value_that_is_taken_meanwhile_is_refused,
    a_value_that_is_passed_on_meanwhile_is_decided_again,
    a_no_is_never_said_on_a_stale_state,
    reservations_are_hidden,
    snapshots_and_no_cache_change_nothing,
    unknown_fields_are_named,
    a_rejection_reaches_callers_by_name,
    a_panic_in_a_rejection_is_an_error,
    reservations_are_no_effects_of_a_command,
);

/// An app of the club's types, to be configured further.
fn club(given: &Given) -> Builder {
    Newton::builder().stores(given.stores.clone()).only::<(Member, Team)>().service("club")
}

async fn started(given: &Given) -> App {
    club(given).start().await.unwrap()
}

async fn owner(app: &App, email: &str) -> Option<String> {
    app.owner_of::<Member>("email", email).await.unwrap().map(|id| id.to_string())
}

/// Who has which value by the reservations alone: the last entry of each stream.
async fn reservations(events: &dyn EventStore) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for event in events.read_all(Read::of(Selection::All).with_system()).await.unwrap() {
        if !event.stream.as_str().starts_with("$unique/") {
            continue;
        }
        let payload: serde_json::Value = serde_json::from_slice(event.payload.as_bytes()).unwrap();
        let field = event.stream.domain().unwrap().strip_prefix("$unique/").unwrap();
        let value = format!("{field}={}", payload["value"].as_str().unwrap());
        match &*event.event_type {
            "$reserved" => owners.insert(value, payload["owner"].as_str().unwrap().to_owned()),
            "$released" => owners.remove(&value),
            other => panic!("what is {other}?"),
        };
    }
    owners
}

fn owners<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
    entries.map(|(value, owner)| (format!("club/{value}"), owner.to_owned())).into()
}

async fn a_value_is_reserved_in_the_append_of_its_event(given: Given) {
    let watched = Watched::over(&given.stores);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    let receipt = app.execute("ada", join("ada@club")).await.unwrap();
    assert_eq!((receipt.version, receipt.events), (Version(2), 2));
    assert_eq!(watched.appends(), [["$unique/club/Member/email/ada@club", "club/Member/ada"]]);

    let all = app.events().read_all(Read::of(Selection::All)).await.unwrap();
    assert_eq!(all.len(), 2, "reservations are no events of the aggregate");
    assert_eq!(receipt.order_id, all[1].order_id, "the receipt is of the aggregate's own events");
    assert_eq!(owner(&app, "ada@club").await.as_deref(), Some("ada"));
    assert_eq!(owner(&app, "bob@club").await, None);
    drop((app, watched));
    let given = given.reopened().await;
    assert_eq!(owner(&started(&given).await, "ada@club").await.as_deref(), Some("ada"));
}

async fn a_value_of_another_is_refused_by_the_users_own_rejection(given: Given) {
    let app = started(&given).await;
    app.execute("ada", join("ada@club")).await.unwrap();
    app.execute("ada", MemberCommand::SetBadge { badge: 7 }).await.unwrap();
    let refused = app.execute("bob", join("ada@club")).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&MemberError::EmailTaken));
    assert!(app.load::<Member>("bob").await.unwrap().is_none(), "nothing was written");

    app.execute("bob", join("bob@club")).await.unwrap();
    let refused = app.execute("bob", MemberCommand::SetBadge { badge: 7 }).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&MemberError::BadgeTaken { badge: "7".into() }));
    app.execute("bob", MemberCommand::SetBadge { badge: 8 }).await.unwrap();
    app.execute("red", TeamCommand::Name { name: "Red".into() }).await.unwrap();
    let refused = app.execute("blue", TeamCommand::Name { name: "Red".into() }).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&TeamError::NameTaken("Red".into())));
    app.execute("red", TeamCommand::Name { name: "Red".into() }).await.unwrap();
}

async fn a_change_gives_up_the_old_value(given: Given) {
    let watched = Watched::over(&given.stores);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    app.execute("ada", join("old@club")).await.unwrap();
    watched.appends();
    app.execute("ada", set_email("new@club")).await.unwrap();
    let streams =
        ["$unique/club/Member/email/old@club", "$unique/club/Member/email/new@club", "club/Member/ada"];
    assert_eq!(watched.appends(), [streams]);
    assert_eq!((owner(&app, "old@club").await, owner(&app, "new@club").await), (None, Some("ada".into())));
    app.execute("bob", join("old@club")).await.unwrap();
    app.execute("ada", MemberCommand::DropEmail).await.unwrap();
    assert_eq!(reservations(&**app.events()).await, owners([("Member/email=old@club", "bob")]));
    app.execute("bob", set_email("new@club")).await.unwrap();
    app.execute("ada", set_email("old@club")).await.unwrap();
    let both = [("Member/email=old@club", "ada"), ("Member/email=new@club", "bob")];
    assert_eq!(reservations(&**app.events()).await, owners(both));
}

async fn deleting_gives_up_every_value_in_the_same_append(given: Given) {
    let watched = Watched::over(&given.stores);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    app.execute("ada", join("ada@club")).await.unwrap();
    app.execute("ada", MemberCommand::SetBadge { badge: 7 }).await.unwrap();
    watched.appends();
    let receipt = app.delete::<Member>("ada").await.unwrap();
    assert_eq!((receipt.version, receipt.events), (Version(4), 1));
    let streams = ["$unique/club/Member/email/ada@club", "$unique/club/Member/badge/7", "club/Member/ada"];
    assert_eq!(watched.appends(), [streams]);
    assert_eq!(reservations(&**app.events()).await, owners([]));
    assert_eq!(owner(&app, "ada@club").await, None);

    let kind = |error: Error| error.kind().clone();
    assert_eq!(app.delete::<Member>("ada").await.map_err(kind), Err(ErrorKind::Deleted));
    assert_eq!(app.delete::<Member>("nobody").await.map_err(kind), Err(ErrorKind::NotFound));
    app.execute("bob", join("ada@club")).await.unwrap();
    let again = app.execute("ada", join("new@club")).await.unwrap_err();
    assert_eq!(again.failure().map(Error::kind), Some(&ErrorKind::Deleted));
    assert_eq!(reservations(&**app.events()).await, owners([("Member/email=ada@club", "bob")]));
}

async fn what_changes_no_unique_value_costs_nothing_more(given: Given) {
    let watched = Watched::over(&given.stores);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    app.execute("ada", join("ada@club")).await.unwrap();
    watched.appends();
    watched.reads();
    app.execute("ada", rename("Ada")).await.unwrap();
    app.execute("ada", set_email("ada@club")).await.unwrap();
    assert_eq!(watched.appends(), [["club/Member/ada"], ["club/Member/ada"]]);
    assert_eq!(watched.reads(), [""; 0]);
    assert_eq!(app.execute("ada", MemberCommand::Nothing).await.unwrap().events, 0);
    assert!(watched.appends().is_empty());
}

async fn a_value_that_comes_back_in_one_decision_was_never_gone(given: Given) {
    let app = started(&given).await;
    app.execute("ada", join("ada@club")).await.unwrap();
    app.execute("bob", join("bob@club")).await.unwrap();
    let emails = |emails: [&str; 2]| MemberCommand::SetEmails { emails: emails.map(String::from).into() };
    app.execute("ada", emails(["bob@club", "ada@club"])).await.unwrap();
    app.execute("ada", emails(["bob@club", "new@club"])).await.unwrap();
    let both = [("Member/email=new@club", "ada"), ("Member/email=bob@club", "bob")];
    assert_eq!(reservations(&**app.events()).await, owners(both), "only the end of a decision counts");
    let refused = app.execute("ada", emails(["x@club", "bob@club"])).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&MemberError::EmailTaken));
}

async fn fields_and_kinds_of_aggregates_are_apart(given: Given) {
    let app = started(&given).await;
    app.execute("ada", join("7")).await.unwrap();
    app.execute("bob", MemberCommand::JoinQuietly).await.unwrap();
    app.execute("cleo", MemberCommand::JoinQuietly).await.unwrap();
    app.execute("bob", MemberCommand::SetBadge { badge: 7 }).await.unwrap();
    app.execute("red", TeamCommand::Name { name: "7".into() }).await.unwrap();
    assert_eq!(owner(&app, "7").await.as_deref(), Some("ada"));
    assert_eq!(app.owner_of::<Member>("badge", 7_u64).await.unwrap().unwrap().as_str(), "bob");
    assert_eq!(app.owner_of::<Team>("name", "7").await.unwrap().unwrap().as_str(), "red");
    assert_eq!(app.owner_of::<Member>("email", None::<String>).await.unwrap(), None, "no value has no owner");
}

async fn an_empty_text_is_a_value(given: Given) {
    let app = started(&given).await;
    app.execute("red", TeamCommand::Found).await.unwrap();
    let refused = app.execute("blue", TeamCommand::Found).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&TeamError::NameTaken(String::new())));
    app.execute("red", TeamCommand::Name { name: "Red".into() }).await.unwrap();
    app.execute("blue", TeamCommand::Found).await.unwrap();
    assert_eq!(app.owner_of::<Team>("name", "").await.unwrap().unwrap().as_str(), "blue");
}

async fn any_text_is_a_value(given: Given) {
    let app = started(&given).await;
    let long = "long/".repeat(20_000);
    let texts = [
        "",
        " ",
        "/",
        "a/b",
        "a%2Fb",
        "%",
        "%2F",
        "\0",
        "\r\n\t",
        "\u{85}",
        "\"quoted\\\"",
        "ß",
        "SS",
        "ä",
        "a\u{308}",
        "👍🏽",
        "\u{202e}abc",
        "__all__",
        "$unique/club/Member/email/x",
        "..",
        "%empty",
        &long,
        &long[1..],
    ];
    for (index, text) in texts.iter().enumerate() {
        app.execute(index, join(text)).await.unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
    for (index, text) in texts.iter().enumerate() {
        assert_eq!(owner(&app, text).await, Some(index.to_string()), "{text:?}");
        let refused = app.execute("other", join(text)).await.unwrap_err();
        assert_eq!(refused.rejection(), Some(&MemberError::EmailTaken), "{text:?}");
    }
    app.delete::<Member>(texts.len() - 1).await.unwrap();
    app.execute("other", join(&long[1..])).await.unwrap();
}

async fn a_command_delivered_twice_reserves_once(given: Given) {
    let (here, there) = (started(&given).await, started(&given).await);
    // What `there` remembers of the aggregate is older than the command.
    there.execute("ada", rename("Ada")).await.unwrap_err();
    let id = CommandId::generate();
    let first = here.execute("ada", join("ada@club")).command_id(id.clone()).await.unwrap();
    for app in [&here, &there] {
        let again = app.execute("ada", join("ada@club")).command_id(id.clone()).await.unwrap();
        assert_eq!((again.version, again.order_id, again.duplicate), (first.version, first.order_id, true));
    }
    let id = CommandId::generate();
    let first = here.execute("ada", set_email("new@club")).command_id(id.clone()).await.unwrap();
    here.execute("bob", join("ada@club")).await.unwrap();
    here.execute("ada", MemberCommand::DropEmail).await.unwrap();
    here.execute("cleo", join("new@club")).await.unwrap();
    for app in [&here, &there] {
        let again = app.execute("ada", set_email("new@club")).command_id(id.clone()).await.unwrap();
        assert_eq!((again.version, again.duplicate), (first.version, true), "though it is taken by now");
    }
    let both = [("Member/email=ada@club", "bob"), ("Member/email=new@club", "cleo")];
    assert_eq!(reservations(&**here.events()).await, owners(both));
}

async fn one_command_id_may_reach_several_owners(given: Given) {
    let (app, id) = (started(&given).await, CommandId::generate());
    for member in ["ada", "bob", "cleo"] {
        let receipt = app.execute(member, join("desk@club")).command_id(id.clone()).await.unwrap();
        assert!(!receipt.duplicate);
        app.execute(member, MemberCommand::DropEmail).await.unwrap();
    }
    app.execute("ada", set_email("desk@club")).await.unwrap();
    let again = app.execute("ada", join("desk@club")).command_id(id).await.unwrap();
    assert!(again.duplicate);
}

async fn a_lost_answer_is_found_again(given: Given) {
    let watched = Watched::over(&given.stores);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    let id = CommandId::generate();
    watched.lose_the_next_answer();
    let found = app.execute("ada", join("ada@club")).command_id(id).await.unwrap();
    assert!(found.duplicate);
    watched.lose_the_next_answer();
    let lost = app.execute("bob", join("bob@club")).await.unwrap_err();
    assert_eq!(lost.failure().map(Error::kind), Some(&ErrorKind::Unavailable));
    assert_eq!(owner(&app, "bob@club").await.as_deref(), Some("bob"), "it was written all the same");
    app.execute("bob", set_email("new@club")).await.unwrap();
    assert_eq!(watched.appends().len(), 3);
    let both = [("Member/email=ada@club", "ada"), ("Member/email=new@club", "bob")];
    assert_eq!(reservations(&**app.events()).await, owners(both));
}

async fn a_value_that_is_taken_meanwhile_is_refused(given: Given) {
    let (watched, rival) = (Watched::over(&given.stores), started(&given).await);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    app.execute("ada", MemberCommand::JoinQuietly).await.unwrap();
    let taking = rival.clone();
    watched.before_the_next_append(async move {
        taking.execute("bob", join("desk@club")).await.unwrap();
    });
    let refused = app.execute("ada", set_email("desk@club")).expected(Version(1)).await.unwrap_err();
    assert_eq!(
        refused.rejection(),
        Some(&MemberError::EmailTaken),
        "and no conflict, though a version is expected"
    );
    assert_eq!(owner(&app, "desk@club").await.as_deref(), Some("bob"));
}

async fn a_value_that_is_passed_on_meanwhile_is_decided_again(given: Given) {
    let (watched, rival) = (Watched::over(&given.stores), started(&given).await);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    let passing = rival.clone();
    watched.before_the_next_append(async move {
        passing.execute("bob", join("desk@club")).await.unwrap();
        passing.delete::<Member>("bob").await.unwrap();
    });
    app.execute("ada", join("desk@club")).await.unwrap();
    assert_eq!(reservations(&**app.events()).await, owners([("Member/email=desk@club", "ada")]));

    let moving = rival.clone();
    watched.before_the_next_append(async move {
        moving.execute("ada", set_email("new@club")).await.unwrap();
    });
    app.delete::<Member>("ada").await.unwrap();
    assert_eq!(reservations(&**app.events()).await, owners([]), "what it had at its end was given up");

    app.execute("cleo", MemberCommand::JoinQuietly).await.unwrap();
    watched.before_the_next_append(async move {
        rival.execute("cleo", set_email("late@club")).await.unwrap();
    });
    app.delete::<Member>("cleo").await.unwrap();
    assert_eq!(reservations(&**app.events()).await, owners([]), "and what it got at the last moment");
}

async fn a_no_is_never_said_on_a_stale_state(given: Given) {
    let (here, there) = (started(&given).await, started(&given).await);
    here.execute("ada", join("ada@club")).await.unwrap();
    there.execute("ada", rename("Ada")).await.unwrap();
    here.execute("bob", join("bob@club")).await.unwrap();
    there.execute("bob", rename("Bob")).await.unwrap();
    // `there` still believes that Ada has her e-mail, and Bob his.
    here.execute("ada", MemberCommand::DropEmail).await.unwrap();
    here.execute("bob", set_email("ada@club")).await.unwrap();
    there.execute("ada", set_email("bob@club")).await.unwrap();
    there.execute("bob", set_email("ada@club")).await.unwrap();
    let both = [("Member/email=bob@club", "ada"), ("Member/email=ada@club", "bob")];
    assert_eq!(reservations(&**here.events()).await, owners(both));

    there.execute("cleo", rename("Cleo")).await.unwrap_err();
    here.execute("cleo", join("cleo@club")).await.unwrap();
    let refused = there.execute("cleo", join("ada@club")).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&MemberError::AlreadyJoined), "she does not even claim it");
}

async fn reservations_are_hidden(given: Given) {
    let app = started(&given).await;
    app.execute("ada", join("ada@club")).await.unwrap();
    app.execute("red", TeamCommand::Found).await.unwrap();
    let events = app.events();
    let all = events.read_all(Read::of(Selection::All)).await.unwrap();
    assert!(all.iter().all(|event| !event.stream.is_system()));
    let names: Vec<_> = events.streams(Streams::all()).await.unwrap();
    let names: Vec<_> = names.iter().map(|stream| stream.name.as_str()).collect();
    assert_eq!(names, ["club/Member/ada", "club/Team/red"]);
    let domain = StreamName::parse("club/Member").unwrap();
    let types = events.event_types(&domain).await.unwrap();
    assert_eq!(types, ["MemberEmailSet", "MemberJoined"]);
    let members = events.read_all(Read::of(Selection::Domain(domain)).with_system()).await.unwrap();
    assert_eq!(members.len(), 2);
}

async fn snapshots_and_no_cache_change_nothing(given: Given) {
    let every = newton::repository::SnapshotPolicy::Every(1);
    let app = club(&given).snapshots(every).cached_aggregates(0).start().await.unwrap();
    for round in 0..5 {
        app.execute("ada", if round == 0 { join("0@club") } else { set_email(&format!("{round}@club")) })
            .await
            .unwrap();
        app.flush().await;
        let refused = app.execute("bob", join(&format!("{round}@club"))).await.unwrap_err();
        assert_eq!(refused.rejection(), Some(&MemberError::EmailTaken));
    }
    app.delete::<Member>("ada").await.unwrap();
    assert_eq!(reservations(&**app.events()).await, owners([]));
}

async fn unknown_fields_are_named(given: Given) {
    let app = started(&given).await;
    let error = app.owner_of::<Member>("mail", "ada@club").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    for part in ["`club/Member`", "`mail`", "`email`, `badge`"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

async fn a_rejection_reaches_callers_by_name(given: Given) {
    let app = started(&given).await;
    app.execute("ada", join("ada@club")).await.unwrap();
    let payload = r#"{"email":"ada@club"}"#;
    let refused = app.dispatch("bob", "MemberJoin", payload).await.unwrap_err();
    let ExecuteError::Rejected(rejection) = refused else { panic!("{refused}") };
    assert_eq!(rejection.downcast_ref(), Some(&MemberError::EmailTaken));
}

async fn a_panic_in_a_rejection_is_an_error(given: Given) {
    let app = started(&given).await;
    for member in ["ada", "bob"] {
        app.execute(member, MemberCommand::JoinQuietly).await.unwrap();
    }
    app.execute("ada", MemberCommand::SetBadge { badge: 13 }).await.unwrap();
    let badge = MemberCommand::SetBadge { badge: 13 };
    let queue = [app.execute("bob", badge), app.execute("bob", rename("Bob"))];
    let outcomes = futures_util::future::join_all(queue.map(IntoFuture::into_future)).await;
    let error = outcomes[0].as_ref().unwrap_err().failure().unwrap();
    assert_eq!(*error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("nobody wants this one"), "{error}");
    assert!(outcomes[1].is_ok(), "the next in the queue has nothing to do with it");
}

async fn reservations_are_no_effects_of_a_command(given: Given) {
    let app = started(&given).await;
    let receipt = app.execute("ada", join("ada@club")).await.unwrap();
    let graph = app.causality().correlation(receipt.correlation_id).await.unwrap();
    let nodes: Vec<_> = graph
        .nodes()
        .iter()
        .map(|node| match node {
            Node::Command(command) => command.target.as_deref().unwrap_or_default().to_owned(),
            Node::Event(event) => event.event_type.to_string(),
            other => panic!("what is {other:?}?"),
        })
        .collect();
    assert_eq!(nodes, ["club/Member/ada", "MemberJoined", "MemberEmailSet"]);
}
