//! Random commands to an app and to a model of it: no value has two owners, and the reservations are the states' values.

use std::collections::BTreeMap;

use newton::domain::AnyRejection;
use newton::{App, ErrorKind, ExecuteError};
use newton_tests::Given;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::club::{Member, MemberCommand, MemberError, join, set_email};
use super::{owners, reservations, started};

const MEMBERS: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    Execute(Change),
    /// Both or neither, to two members.
    Together(Change, Change),
    Delete(u8),
    /// Go on with the other app.
    Switch,
}

#[derive(Clone, Debug)]
struct Change {
    member: u8,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Join(&'static str),
    SetEmail(&'static str),
    DropEmail,
    SetBadge(u64),
}

/// What a member is in the model.
#[derive(Clone, Debug, Default, PartialEq)]
enum Entry {
    #[default]
    Nobody,
    Present {
        email: Option<&'static str>,
        badge: Option<u64>,
    },
    Deleted,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Done,
    Rejected(MemberError),
    Deleted,
    NotFound,
}

fn changes() -> impl Strategy<Value = Change> {
    let email = || prop::sample::select(vec!["", "a/b", "x", "%"]);
    let kind = prop_oneof![
        3 => email().prop_map(Kind::Join),
        4 => email().prop_map(Kind::SetEmail),
        1 => Just(Kind::DropEmail),
        2 => (0_u64..3).prop_map(Kind::SetBadge),
    ];
    (0..MEMBERS, kind).prop_map(|(member, kind)| Change { member, kind })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => changes().prop_map(Step::Execute),
        3 => (changes(), changes())
            .prop_filter("two members", |(one, other)| one.member != other.member)
            .prop_map(|(one, other)| Step::Together(one, other)),
        1 => (0..MEMBERS).prop_map(Step::Delete),
        2 => Just(Step::Switch),
    ]
}

type Model = BTreeMap<u8, Entry>;

/// What the member itself says to a change, whatever the others have.
fn decide(model: &mut Model, change: &Change) -> Result<(), Answer> {
    let entry = model.entry(change.member).or_default();
    match (&mut *entry, &change.kind) {
        (Entry::Deleted, _) => return Err(Answer::Deleted),
        (Entry::Nobody, Kind::Join(new)) => *entry = Entry::Present { email: Some(*new), badge: None },
        (Entry::Nobody, _) => return Err(Answer::Rejected(MemberError::NotJoined)),
        (Entry::Present { .. }, Kind::Join(_)) => return Err(Answer::Rejected(MemberError::AlreadyJoined)),
        (Entry::Present { email, .. }, Kind::SetEmail(new)) => *email = Some(*new),
        (Entry::Present { email, .. }, Kind::DropEmail) => *email = None,
        (Entry::Present { badge, .. }, Kind::SetBadge(new)) => *badge = Some(*new),
    }
    Ok(())
}

/// Applies changes together or not at all.
fn apply(model: &mut Model, changes: &[&Change]) -> Answer {
    let mut after = model.clone();
    for change in changes {
        if let Err(answer) = decide(&mut after, change) {
            return answer;
        }
    }
    for (index, change) in changes.iter().enumerate() {
        // Of those that change behind it in the same append, only what they had and keep is a better claim.
        let later: Vec<u8> = changes[index + 1..].iter().map(|change| change.member).collect();
        for (member, rival) in after.iter().filter(|(member, _)| **member != change.member) {
            let rival = if later.contains(member) { kept(model.get(member), rival) } else { rival.clone() };
            if let Some(rejection) = clash(&after[&change.member], &rival) {
                return Answer::Rejected(rejection);
            }
        }
    }
    *model = after;
    Answer::Done
}

/// The values that a member had and still has.
fn kept(before: Option<&Entry>, after: &Entry) -> Entry {
    match (before, after) {
        (Some(Entry::Present { email: old, badge: worn }), Entry::Present { email, badge }) => {
            Entry::Present {
                email: email.filter(|email| Some(*email) == *old),
                badge: badge.filter(|badge| Some(*badge) == *worn),
            }
        }
        _ => Entry::Nobody,
    }
}

fn clash(one: &Entry, other: &Entry) -> Option<MemberError> {
    let (Entry::Present { email, badge }, Entry::Present { email: its_email, badge: its_badge }) =
        (one, other)
    else {
        return None;
    };
    if email.is_some() && email == its_email {
        return Some(MemberError::EmailTaken);
    }
    let number = badge.filter(|badge| Some(*badge) == *its_badge)?;
    Some(MemberError::BadgeTaken { badge: number.to_string() })
}

fn command(kind: &Kind) -> MemberCommand {
    match kind {
        Kind::Join(email) => join(email),
        Kind::SetEmail(email) => set_email(email),
        Kind::DropEmail => MemberCommand::DropEmail,
        Kind::SetBadge(badge) => MemberCommand::SetBadge { badge: *badge },
    }
}

fn failed(error: &newton::Error) -> Answer {
    match error.kind() {
        ErrorKind::Deleted => Answer::Deleted,
        ErrorKind::NotFound => Answer::NotFound,
        _ => panic!("{error}"),
    }
}

fn any(rejection: AnyRejection) -> MemberError {
    rejection.downcast().unwrap()
}

async fn play(app: &App, model: &mut Model, step: &Step) {
    let (expected, found) = match step {
        Step::Switch => return,
        Step::Execute(change) => {
            let found = match app.execute(change.member, command(&change.kind)).await {
                Ok(_) => Answer::Done,
                Err(ExecuteError::Rejected(rejection)) => Answer::Rejected(rejection),
                Err(ExecuteError::Failed(error)) => failed(&error),
            };
            (apply(model, &[change]), found)
        }
        Step::Together(one, other) => {
            let both = app.together().execute(one.member, command(&one.kind));
            let found = match both.execute(other.member, command(&other.kind)).await {
                Ok(_) => Answer::Done,
                Err(ExecuteError::Rejected(rejection)) => Answer::Rejected(any(rejection)),
                Err(ExecuteError::Failed(error)) => failed(&error),
            };
            (apply(model, &[one, other]), found)
        }
        Step::Delete(member) => {
            let found = app.delete::<Member>(member).await;
            let entry = model.entry(*member).or_default();
            let expected = match entry {
                Entry::Nobody => Answer::NotFound,
                Entry::Deleted => Answer::Deleted,
                Entry::Present { .. } => Answer::Done,
            };
            if expected == Answer::Done {
                *entry = Entry::Deleted;
            }
            (expected, found.map_or_else(|error| failed(&error), |_| Answer::Done))
        }
    };
    assert_eq!(found, expected, "{step:?} in {model:?}");
}

/// Each value of the model is owned by its member, and no other is.
async fn check(app: &App, model: &Model) {
    let mut expected = owners([]);
    for (member, entry) in model {
        let Entry::Present { email, badge } = entry else { continue };
        let email = email.map(|email| format!("email={email}"));
        let badge = badge.map(|badge| format!("badge={badge}"));
        for value in email.into_iter().chain(badge) {
            let other = expected.insert(format!("club/Member/{value}"), member.to_string());
            assert_eq!(other, None, "{value} has two owners");
        }
    }
    assert_eq!(reservations(&**app.events()).await, expected);
    for email in ["", "a/b", "x", "%"] {
        let owner = app.owner_of::<Member>("email", email).await.unwrap();
        let key = format!("club/Member/email={email}");
        assert_eq!(owner.map(|id| id.to_string()), expected.get(&key).cloned());
    }
}

#[test]
fn no_value_has_two_owners() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&vec(steps(), 1..40), |script| {
            runtime.block_on(async {
                let given = Given::memory().await;
                let (mut app, mut other) = (started(&given).await, started(&given).await);
                let mut model = Model::new();
                for step in &script {
                    if matches!(step, Step::Switch) {
                        std::mem::swap(&mut app, &mut other);
                    }
                    play(&app, &mut model, step).await;
                }
                check(&app, &model).await;
            });
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
