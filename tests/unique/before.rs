//! Aggregates that were there before their field became unique, and what is checked at the start.

use newton::prelude::*;
use newton::repository::{Duplicate, ReserveReport};
use newton::store::{EventStore, StateKey, StateStore};
use newton::{AggregateId, App, ErrorKind, Newton};
use newton_tests::{Given, over_every_store};

use super::club::{Member, MemberCommand, MemberError, MemberEvent, Team, join, rename, set_email};
use super::watched::Watched;
use super::{club, owner, owners, reservations, started};

over_every_store!(
    values_from_before_are_reserved_once_asked_for,
    duplicates_from_before_are_reported,
    what_an_older_program_leaves_behind_blocks_nobody,
    it_may_run_beside_commands,
    many_aggregates_are_reserved_page_by_page,
    a_new_log_needs_no_reserving,
    a_store_that_cannot_reserve_is_refused_at_the_start,
    names_that_leave_no_room_are_refused_at_the_start,
);

/// The member as a program has it that does not know of unique values.
#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "club", name = "Member", event = MemberEvent, command = OldCommand, rejection = MemberError)]
struct OldMember {
    joined: bool,
}

#[derive(Command, Clone, Debug)]
#[command(aggregate = OldMember)]
enum OldCommand {
    Write { events: Vec<(String, Option<u64>)> },
    Drop,
}

impl OldMember {
    #[expect(clippy::unnecessary_wraps, reason = "`decide` has its shape from the derive")]
    fn decide(&self, command: OldCommand) -> Result<Vec<MemberEvent>, MemberError> {
        let mut events = if self.joined { vec![] } else { vec![MemberEvent::Joined] };
        match command {
            OldCommand::Drop => events.push(MemberEvent::EmailDropped),
            OldCommand::Write { events: values } => {
                for (email, badge) in values {
                    events.push(MemberEvent::EmailSet { email });
                    events.extend(badge.map(|badge| MemberEvent::BadgeSet { badge }));
                }
            }
        }
        Ok(events)
    }

    fn evolve(&mut self, _: &MemberEvent) {
        self.joined = true;
    }
}

async fn old(given: &Given) -> App {
    Newton::builder().stores(given.stores.clone()).only::<OldMember>().start().await.unwrap()
}

async fn write(app: &App, member: &str, email: &str, badge: Option<u64>) {
    let events = vec![(email.to_owned(), badge)];
    app.execute(member, OldCommand::Write { events }).await.unwrap();
}

fn id(text: &str) -> AggregateId {
    AggregateId::parse(text).unwrap()
}

async fn is_marked(given: &Given, field: &str) -> bool {
    let key = StateKey::new("unique", format!("club/Member/{field}"));
    given.stores.state.get(&key).await.unwrap().is_some()
}

async fn values_from_before_are_reserved_once_asked_for(given: Given) {
    let old = old(&given).await;
    write(&old, "ada", "ada@club", Some(7)).await;
    write(&old, "bob", "bob@club", None).await;
    write(&old, "gone", "gone@club", Some(9)).await;
    old.delete::<OldMember>("gone").await.unwrap();
    let app = started(&given).await;
    assert!(!is_marked(&given, "email").await, "the start warns as long as this is missing");
    assert_eq!(owner(&app, "ada@club").await, None);

    let report = app.reserve_unique::<Member>().await.unwrap();
    assert_eq!(report, ReserveReport { aggregates: 2, reserved: 3, duplicates: vec![] });
    assert!(is_marked(&given, "email").await && is_marked(&given, "badge").await);
    let all = [("Member/email=ada@club", "ada"), ("Member/badge=7", "ada"), ("Member/email=bob@club", "bob")];
    assert_eq!(reservations(&**app.events()).await, owners(all));
    let refused = app.execute("cleo", join("ada@club")).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&MemberError::EmailTaken));

    let again = app.reserve_unique::<Member>().await.unwrap();
    assert_eq!(again, ReserveReport { aggregates: 2, ..ReserveReport::default() });
    app.execute("ada", set_email("new@club")).await.unwrap();
    app.execute("cleo", join("ada@club")).await.unwrap();
}

async fn duplicates_from_before_are_reported(given: Given) {
    let old = old(&given).await;
    for member in ["ada", "bob", "cleo"] {
        write(&old, member, "desk@club", None).await;
    }
    let app = started(&given).await;
    let duplicate =
        |other| Duplicate { field: "email", value: "desk@club".into(), owner: id("ada"), other: id(other) };
    for reserved in [1, 0] {
        let report = app.reserve_unique::<Member>().await.unwrap();
        assert_eq!(report.duplicates, [duplicate("bob"), duplicate("cleo")]);
        assert_eq!(report.reserved, reserved);
    }
    // The others keep what they have, and what they do with it takes nothing from the owner.
    app.execute("bob", rename("Bob")).await.unwrap();
    app.execute("bob", set_email("bob@club")).await.unwrap();
    app.delete::<Member>("cleo").await.unwrap();
    let both = [("Member/email=desk@club", "ada"), ("Member/email=bob@club", "bob")];
    assert_eq!(reservations(&**app.events()).await, owners(both));
    let refused = app.execute("bob", set_email("desk@club")).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&MemberError::EmailTaken));
}

async fn what_an_older_program_leaves_behind_blocks_nobody(given: Given) {
    let (old, app) = (old(&given).await, started(&given).await);
    app.execute("ada", join("desk@club")).await.unwrap();
    old.execute("ada", OldCommand::Drop).await.unwrap();
    assert_eq!(reservations(&**app.events()).await, owners([("Member/email=desk@club", "ada")]));
    assert_eq!(owner(&app, "desk@club").await, None, "the reservation is not all");
    app.execute("bob", join("desk@club")).await.unwrap();
    assert_eq!(owner(&app, "desk@club").await.as_deref(), Some("bob"));
    let refused = app.execute("ada", set_email("desk@club")).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&MemberError::EmailTaken));

    old.delete::<OldMember>("bob").await.unwrap();
    assert_eq!(owner(&app, "desk@club").await, None);
    let both = app.together().execute("ada", set_email("desk@club"));
    both.execute("cleo", MemberCommand::JoinQuietly).await.unwrap();
    assert_eq!(reservations(&**app.events()).await, owners([("Member/email=desk@club", "ada")]));
}

async fn it_may_run_beside_commands(given: Given) {
    let old = old(&given).await;
    write(&old, "ada", "desk@club", None).await;
    let (watched, rival) = (Watched::over(&given.stores), started(&given).await);
    let app = club(&given).stores(watched.stores(&given.stores)).start().await.unwrap();
    watched.before_the_next_append(async move {
        rival.execute("ada", set_email("ada@club")).await.unwrap();
        rival.execute("bob", join("desk@club")).await.unwrap();
    });
    let report = app.reserve_unique::<Member>().await.unwrap();
    let nothing_to_do = ReserveReport { aggregates: 2, ..ReserveReport::default() };
    assert_eq!(report, nothing_to_do, "both were reserved by their commands");
    let both = [("Member/email=ada@club", "ada"), ("Member/email=desk@club", "bob")];
    assert_eq!(reservations(&**app.events()).await, owners(both));
}

async fn many_aggregates_are_reserved_page_by_page(given: Given) {
    let old = old(&given).await;
    for index in 0..450 {
        let email = if index % 100 == 0 { "desk@club".to_owned() } else { format!("{index}@club") };
        write(&old, &format!("{index:03}"), &email, None).await;
    }
    let app = started(&given).await;
    let report = app.reserve_unique::<Member>().await.unwrap();
    assert_eq!((report.aggregates, report.reserved), (450, 446));
    let others: Vec<_> = report.duplicates.iter().map(|duplicate| duplicate.other.as_str()).collect();
    assert_eq!(others, ["100", "200", "300", "400"]);
    assert!(report.duplicates.iter().all(|duplicate| duplicate.owner == id("000")));
    assert_eq!(owner(&app, "449@club").await.as_deref(), Some("449"));
}

async fn a_new_log_needs_no_reserving(given: Given) {
    started(&given).await;
    assert!(is_marked(&given, "email").await && is_marked(&given, "badge").await);
}

async fn a_store_that_cannot_reserve_is_refused_at_the_start(given: Given) {
    let full = given.stores.events.capability();
    for (capability, fits) in [
        (full, true),
        (newton::store::Capability { multi_stream: false, ..full }, false),
        (newton::store::Capability { expected_versions: false, ..full }, false),
    ] {
        let stores = Watched::with(&given.stores, capability).stores(&given.stores);
        let outcome = club(&given).stores(stores.clone()).start().await;
        assert_eq!(outcome.is_ok(), fits);
        if let Err(error) = outcome {
            assert_eq!(*error.kind(), ErrorKind::Unsupported);
            let text = error.to_string();
            if capability.expected_versions {
                assert!(text.contains("`club/Member`") && text.contains("`email`"), "{text}");
            }
        }
        if !capability.expected_versions {
            continue;
        }
        let without = Newton::builder().stores(stores).only::<OldMember>();
        without.start().await.expect("an aggregate without unique values needs one stream at a time");
    }
}

#[derive(Event, Clone)]
enum WordyEvent {
    Done,
}

#[derive(Command, Clone)]
enum WordyCommand {
    Do,
}

#[derive(Rejection, Debug)]
enum WordyError {
    Taken,
}

/// An aggregate all of whose names are the same.
macro_rules! wordy {
    ($name:literal) => {
        #[derive(Aggregate, Clone, Default)]
        #[aggregate(context = $name, name = $name)]
        struct Wordy {
            #[unique(WordyError::Taken, name = $name)]
            done: bool,
        }
    };
}

wordy!(
    "a name that is much longer than anybody would ever want to type, with a good many words in it, and then some more, \
     and even more of them, until three of its kind are longer than the name of a stream may be: that is a thousand and \
     twenty-four bytes, which takes another line to fill with letters, though there is little to say"
);

impl Wordy {
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "`decide` has its shape from the derive"
    )]
    fn decide(&self, _: WordyCommand) -> Result<WordyEvent, WordyError> {
        Ok(WordyEvent::Done)
    }

    fn evolve(&mut self, _: &WordyEvent) {
        self.done = true;
    }
}

async fn names_that_leave_no_room_are_refused_at_the_start(given: Given) {
    let builder = Newton::builder().stores(given.stores.clone()).only::<(Wordy, Team)>();
    let error = builder.start().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("too long"), "{error}");
}
