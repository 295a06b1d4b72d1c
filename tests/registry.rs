//! The registry: explicit, fed by discovery, and loud about rivals.

use newton::ErrorKind;
use newton::prelude::*;
use newton::registry::Registry;

/// Declares an aggregate `Lamp` with its event and command.
macro_rules! lamp {
    () => {
        #[derive(Event, Clone, Debug)]
        pub(crate) enum LampEvent {
            Lit,
        }

        #[derive(Command, Clone, Debug)]
        pub(crate) enum LampCommand {
            Light,
        }

        #[derive(Rejection, Debug)]
        pub(crate) enum LampError {
            Broken,
        }

        #[derive(Aggregate, Clone, Debug, Default)]
        #[aggregate(context = "home", fold = 1)]
        pub(crate) struct Lamp {
            broken: bool,
            lit: bool,
        }

        impl Lamp {
            fn decide(&self, _: LampCommand) -> Result<LampEvent, LampError> {
                if self.broken { Err(LampError::Broken) } else { Ok(LampEvent::Lit) }
            }

            fn evolve(&mut self, _: &LampEvent) {
                self.lit = true;
            }
        }
    };
}

mod kitchen {
    use newton::prelude::*;

    lamp!();
}

mod hall {
    use newton::prelude::*;

    lamp!();
}

#[derive(Event, Clone, Debug)]
struct DoorOpened;

#[test]
fn an_aggregate_brings_its_events_and_commands() {
    let registry = Registry::empty().add::<kitchen::Lamp>();
    registry.validate().unwrap();
    let lamp = registry.aggregate("home/Lamp").unwrap();
    assert_eq!((lamp.context, lamp.name), ("home", "Lamp"));
    assert!(lamp.rust_name.ends_with("kitchen::Lamp"));
    assert_eq!(registry.event_type("LampLit").unwrap().schema, 1);
    let (family, command) = registry.command("LampLight").unwrap();
    assert_eq!((family.domain, command.name), ("home/Lamp", "LampLight"));
    assert!(registry.aggregate("home/Door").is_none());
    assert!(registry.event_type("DoorOpened").is_none());
    assert!(registry.command("Nothing").is_none());
}

#[test]
fn adding_a_type_again_changes_nothing() {
    let registry = Registry::empty().add::<(kitchen::Lamp, DoorOpened)>().add::<kitchen::Lamp>();
    let registry = registry.add::<(kitchen::LampEvent, kitchen::LampCommand)>();
    registry.validate().unwrap();
    assert_eq!(registry.aggregates().len(), 1);
    assert_eq!(registry.event_families().len(), 2);
    assert_eq!(registry.command_families().len(), 1);
}

#[test]
fn rivals_are_both_named() {
    let registry = Registry::empty().add::<(kitchen::Lamp, hall::Lamp)>();
    let error = registry.validate().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration);
    let text = error.to_string();
    for part in [
        "event type `LampLit`",
        "kitchen::LampEvent::Lit",
        "hall::LampEvent::Lit",
        "command `LampLight`",
        "kitchen::LampCommand::Light",
        "hall::LampCommand::Light",
        "aggregate `home/Lamp`",
        "kitchen::Lamp`",
        "hall::Lamp`",
    ] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
}

#[test]
fn removing_takes_out_what_only_that_type_brought() {
    let registry = Registry::empty().add::<(kitchen::Lamp, hall::Lamp, DoorOpened)>().remove::<hall::Lamp>();
    registry.validate().unwrap();
    assert!(registry.aggregate("home/Lamp").unwrap().rust_name.ends_with("kitchen::Lamp"));
    assert!(registry.event_type("DoorOpened").is_some());
    let registry = registry.remove::<DoorOpened>();
    assert!(registry.event_type("DoorOpened").is_none());
    let registry = registry.remove::<kitchen::LampEvent>();
    assert!(registry.event_type("LampLit").is_some(), "its aggregate still needs it");
}

#[test]
fn everything_linked_in_is_discovered() {
    let registry = Registry::discovered();
    assert!(registry.event_type("DoorOpened").is_some());
    assert!(registry.command("LampLight").is_some());
    assert!(registry.aggregate("home/Lamp").is_some());
    assert!(registry.validate().is_err(), "two lamps are linked in");
}

#[test]
fn types_of_a_test_do_not_break_an_explicit_registry() {
    lamp!();
    assert!(Registry::discovered().aggregates().len() >= 3, "this lamp is discovered as well");
    Registry::empty().add::<Lamp>().validate().unwrap();
    let error = Registry::empty().add::<(Lamp, hall::Lamp)>().validate().unwrap_err();
    let own = "types_of_a_test_do_not_break_an_explicit_registry::LampEvent::Lit";
    assert!(error.to_string().contains(own), "{error}");
}
