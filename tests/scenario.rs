//! Scenarios over derived types catch what derives cannot: fields that are not stored.

use std::panic::{AssertUnwindSafe, catch_unwind};

use newton::prelude::*;
use newton::testkit::{Check, Scenario};

#[derive(Event, Clone, Debug, PartialEq)]
enum ParcelEvent {
    Weighed {
        grams: u64,
        #[serde(skip)]
        note: String,
    },
}

#[derive(Command, Clone, Debug)]
enum ParcelCommand {
    Weigh { grams: u64, note: String },
}

#[derive(Rejection, Debug, PartialEq)]
enum ParcelError {
    AlreadyWeighed,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "scenario")]
struct Parcel {
    grams: u64,
    #[serde(skip)]
    weighed: bool,
}

impl Parcel {
    fn decide(&self, command: ParcelCommand) -> Result<ParcelEvent, ParcelError> {
        match command {
            ParcelCommand::Weigh { .. } if self.weighed => Err(ParcelError::AlreadyWeighed),
            ParcelCommand::Weigh { grams, note } => Ok(ParcelEvent::Weighed { grams, note }),
        }
    }

    fn evolve(&mut self, event: &ParcelEvent) {
        let ParcelEvent::Weighed { grams, .. } = event;
        self.grams = *grams;
        self.weighed = true;
    }
}

fn weigh(note: &str) -> ParcelCommand {
    ParcelCommand::Weigh { grams: 500, note: note.into() }
}

fn weighed(note: &str) -> ParcelEvent {
    ParcelEvent::Weighed { grams: 500, note: note.into() }
}

fn report(scenario: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(scenario)).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[test]
fn a_field_of_an_event_that_is_not_stored_is_found() {
    let report = report(|| {
        Scenario::<Parcel>::new().when(weigh("fragile")).then(weighed("fragile"));
    });
    assert!(report.contains("`Check::Encoding` failed at event 1"), "{report}");
    assert!(report.contains("-     note: \"fragile\""), "{report}");
}

#[test]
fn a_field_of_a_state_that_is_not_stored_is_found() {
    let report = report(|| {
        Scenario::<Parcel>::given(weighed("")).when(weigh("")).then(weighed(""));
    });
    assert!(report.contains("`Check::Snapshots` failed at event 1"), "{report}");
    assert!(report.contains("-     weighed: true"), "{report}");
}

#[test]
fn with_its_checks_off_the_same_scenario_passes() {
    Scenario::<Parcel>::new()
        .without(Check::Encoding)
        .without(Check::Snapshots)
        .when(weigh("fragile"))
        .then(weighed("fragile"))
        .when(weigh("again"))
        .then_rejected(ParcelError::AlreadyWeighed);
}
