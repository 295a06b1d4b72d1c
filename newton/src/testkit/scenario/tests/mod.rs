//! Proves that scenarios pass where they should, and that each step and each check can fail.

mod tally;

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use chrono::TimeDelta;

use super::*;
use tally::*;

type Sound = AggregateScenario<Tally<SOUND>>;

thread_local! {
    /// The message and the line of the last panic on this thread, while `failure` listens.
    static PANIC: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// The report and the line with which `scenario` fails.
#[track_caller]
fn failure<T>(scenario: impl FnOnce() -> T) -> (String, u32) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let listening = PANIC.with_borrow_mut(|slot| {
                slot.as_mut().map(|panic| {
                    let message = info.payload_as_str().unwrap_or_default().to_owned();
                    *panic = (message, info.location().map_or(0, std::panic::Location::line));
                })
            });
            if listening.is_none() {
                previous(info);
            }
        }));
    });
    PANIC.set(Some(Default::default()));
    let result = panic::catch_unwind(AssertUnwindSafe(scenario)).map(drop);
    let panic = PANIC.take().unwrap();
    assert!(result.is_err(), "the scenario was expected to fail");
    panic
}

#[track_caller]
fn assert_parts(report: &str, parts: &[&str]) {
    for part in parts {
        assert!(report.contains(part), "`{part}` is not in the report:\n{report}");
    }
}

#[test]
fn several_whens_continue_from_the_last_state() {
    Sound::new()
        .when(Add(5).into())
        .then(added(5))
        .when(Add(0).into())
        .then_rejected(No::Zero)
        .when(Add(IDLE).into())
        .then_nothing()
        .when(Add(HUNDRED).into())
        .then([added(50), added(50)])
        .then_state(Tally { total: 5 + 1 + 2 * 51, last: 50 });
}

#[test]
fn events_are_given_in_every_form() {
    let state = Tally { total: 4, last: 2 };
    Sound::given([added(1), added(2)]).and_given([]).then_state(Tally { total: 5, last: 2 });
    Sound::given(vec![added(2)]).then_state(Tally { total: 3, last: 2 });
    Sound::given((added(0), added(1))).and_given(added(3)).then_state(Tally { total: 7, last: 3 });
    Sound::given_commands([Add(1).into(), Add(1).into()])
        .then_state(Tally { total: 4, last: 1 })
        .then_state_with(|actual| assert_ne!(*actual, state));
}

#[test]
fn the_context_is_fixed_unless_set() {
    let context = |scenario: Sound| {
        let mut context = String::new();
        scenario
            .when(Add(ASK).into())
            .then_rejected_with(|no| context = format!("{no:?}"))
            .then_state_with(|_| {});
        context
    };
    let plain = context(Sound::given(added(1)));
    assert_eq!(plain, context(Sound::given(added(1))));
    assert_parts(
        &plain,
        &[
            r#"id: \"scenario\""#,
            "version: Version(1)",
            "now: 2026-01-01T00:00:00Z",
            "actor: None",
            "tenant: None",
        ],
    );
    let later = VirtualClock::START + TimeDelta::days(1);
    let set = context(Sound::new().with_id("acc-1").at(later).by("ada").for_tenant("acme"));
    assert_parts(
        &set,
        &[r#"id: \"acc-1\""#, "now: 2026-01-02T00:00:00Z", r#"Some(\"ada\")"#, r#"Some(\"acme\")"#],
    );
}

#[test]
fn each_command_has_an_id_of_its_own() {
    let mut ids = Vec::new();
    let mut note = |no: &No| ids.push(format!("{no:?}"));
    Sound::new()
        .when(Add(ASK).into())
        .then_rejected_with(&mut note)
        .when(Add(ASK).into())
        .then_rejected_with(&mut note)
        .then_state(Tally::default());
    assert_parts(&ids[0], &["command_id: 00000000-0000-0000-0000-000000000001"]);
    assert_parts(&ids[1], &["command_id: 00000000-0000-0000-0000-000000000002"]);
}

#[test]
fn other_events_show_given_when_expected_and_actual_on_the_callers_line() {
    let (report, line) = failure(|| Sound::given(added(1)).when(Add(5).into()).then(added(6)));
    assert_eq!(line, line!() - 1);
    assert_parts(
        &report,
        &[
            "scenario of `sums/Tally`: other events than expected",
            "given  Added { amount: 1, bonus: 1 }",
            "when   Add {\"amount\":5}",
            "expected:\n    Added {\n        amount: 6,",
            "actual:\n    Added {\n        amount: 5,",
            "  -     amount: 6,\n  +     amount: 5,",
        ],
    );
}

#[test]
fn every_wrong_outcome_fails() {
    let failures = [
        (failure(|| Sound::new().when(Add(0).into()).then(added(1))).0, "rejected, but events were expected"),
        (failure(|| Sound::new().when(Add(1).into()).then_nothing()).0, "expected:\n    nothing"),
        (failure(|| Sound::new().when(Add(0).into()).then_nothing()).0, "actual:\n    rejected: Zero"),
        (
            failure(|| Sound::new().when(Add(1).into()).then_rejected(No::Zero)).0,
            "accepted, but a rejection was expected",
        ),
        (failure(|| Sound::new().when(Add(ASK).into()).then_rejected(No::Zero)).0, "another rejection"),
        (failure(|| Sound::new().when(Add(1).into()).then_rejected_with(|_| {})).0, "accepted"),
        (failure(|| Sound::new().when(Add(1).into()).then_state(Tally::default())).0, "-     total: 0"),
        (failure(|| Sound::new().when(Add(0).into()).then_state(Tally::default())).0, "a state was expected"),
        (failure(|| Sound::new().when(Add(0).into()).then_state_with(|_| {})).0, "a state was expected"),
        (failure(|| Sound::given(added(1)).then_state(Tally::default())).0, "the state is another one"),
        (failure(|| Sound::given_commands([Add(0).into()]).then_state(Tally::default())).0, "given command"),
        (failure(|| Sound::new().with_id("a/b")).0, "cannot contain `/`"),
    ];
    for (report, part) in failures {
        assert_parts(&report, &[part]);
    }
}

/// The report of a scenario whose second event or command breaks a law.
fn broken<const FLAW: u8>(
    switch: impl FnOnce(AggregateScenario<Tally<FLAW>>) -> AggregateScenario<Tally<FLAW>>,
) -> String {
    failure(|| switch(AggregateScenario::given(added(1))).when(Add(2).into()).then(added(2))).0
}

/// Passes with a flaw whose checks are off.
fn tolerated<const FLAW: u8>(off: &[Check]) {
    let scenario =
        off.iter().fold(AggregateScenario::<Tally<FLAW>>::given(added(1)), |s, check| s.without(*check));
    let _ = scenario.when(Add(2).into());
}

#[test]
fn an_event_that_loses_a_field_breaks_the_encoding_check() {
    let report = broken::<LOSSY_EVENT>(|scenario| scenario);
    assert_parts(
        &report,
        &[
            "`Check::Encoding` failed at event 1, Added { amount: 1, bonus: 1 }",
            "law    an event must come back unchanged",
            "cause  usually a field that is not serialized",
            "off    `.without(Check::Encoding)`",
            "  -     bonus: 1,\n  +     bonus: 0,",
        ],
    );
    let report = broken::<UNREADABLE_EVENT>(|scenario| scenario);
    assert_parts(&report, &["`Check::Encoding` failed at event 1", "decode event", "caused by: EOF"]);
    tolerated::<UNREADABLE_EVENT>(&[Check::Encoding, Check::StoredFold, Check::Snapshots]);
}

#[test]
fn an_evolve_that_differs_breaks_its_check() {
    let report = broken::<RESTLESS_EVOLVE>(|scenario| scenario);
    assert_parts(&report, &["`Check::PureEvolve` failed at event 1", "reads a clock", "second fold"]);
    tolerated::<RESTLESS_EVOLVE>(&[Check::PureEvolve, Check::StoredFold, Check::Snapshots]);
}

#[test]
fn a_decide_that_differs_breaks_its_check() {
    let report = broken::<RESTLESS_DECIDE>(|scenario| scenario);
    assert_parts(
        &report,
        &[
            "`Check::PureDecide` failed after event 1, on Add {\"amount\":2}",
            "second time",
            "take the time from",
        ],
    );
    tolerated::<RESTLESS_DECIDE>(&[Check::PureDecide]);
}

#[test]
fn a_fold_of_what_is_not_stored_breaks_the_stored_fold_check() {
    let report = broken::<HIDDEN_FIELD>(|scenario| scenario);
    assert_parts(
        &report,
        &["`Check::StoredFold` failed at event 1", "folded from stored bytes", "not stored"],
    );
    tolerated::<HIDDEN_FIELD>(&[Check::StoredFold, Check::Snapshots]);
    let report = broken::<UNREADABLE_EVENT>(|scenario| scenario.without(Check::Encoding));
    assert_parts(&report, &["`Check::StoredFold` failed at event 1"]);
}

#[test]
fn a_state_that_loses_a_field_breaks_the_snapshot_check() {
    let report = broken::<LOSSY_STATE>(|scenario| scenario);
    assert_parts(
        &report,
        &[
            "`Check::Snapshots` failed at event 1",
            "taken after event 1",
            "a field of the state",
            "-     last: 1",
        ],
    );
    let report = broken::<UNREADABLE_STATE>(|scenario| scenario);
    assert_parts(&report, &["`Check::Snapshots` failed at event 1", "EOF while parsing"]);
    tolerated::<LOSSY_STATE>(&[Check::Snapshots]);
    tolerated::<NEVER_SNAPSHOTTED>(&[]);
}

#[test]
fn a_snapshot_is_followed_by_its_tail() {
    let report = broken::<HIDDEN_FIELD>(|scenario| scenario.without(Check::StoredFold));
    assert_parts(&report, &["`Check::Snapshots` failed at event 2", "the snapshot taken after event 1"]);
}

#[test]
fn large_differences_are_shown_in_part() {
    let lines = |last: &str| [&["same"; 50].join("\n"), "near", last].join("\n");
    let sides = [("expected", lines("a")), ("actual", lines("b"))];
    let report = Script::default().report("docs/Tally", "too long", &sides);
    let difference = report.split("difference").nth(1).unwrap();
    assert_parts(difference, &["    near\n  - a\n  + b"]);
    assert!(difference.lines().count() < 12, "{difference}");
}
