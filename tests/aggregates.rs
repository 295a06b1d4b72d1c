//! The derives `Aggregate`, `Command` and `Rejection`: delegation, shapes of `decide`, texts and fingerprints.
#![allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "`decide` has its shape from the derive, whatever a test needs of it"
)]

use newton::domain::Fingerprint;
use newton::prelude::*;
use newton::{AggregateId, CommandId, CorrelationId, Version};

#[derive(Event, Clone, Debug, PartialEq)]
pub(crate) enum CounterEvent {
    Raised { by: u64 },
}

#[derive(Command, Clone, Debug, PartialEq)]
enum CounterCommand {
    Raise {
        by: u64,
    },
    #[command(name = "CounterTick")]
    Step,
}

#[derive(Rejection, Clone, Debug, PartialEq)]
pub(crate) enum CounterError {
    TooMuch,
    OverLimit {
        limit: u64,
        last_value: Option<u64>,
    },
    #[rejection("{by} is not {{even}}")]
    Odd {
        by: u64,
    },
    #[rejection("{0:?} is reserved")]
    Reserved(String),
    Pair(u64, String),
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "maths", snapshot_every = 50)]
struct Counter {
    value: u64,
}

impl Counter {
    fn decide(&self, command: CounterCommand) -> Result<CounterEvent, CounterError> {
        match command {
            CounterCommand::Raise { by } if by > 100 => Err(CounterError::TooMuch),
            CounterCommand::Raise { by } => Ok(CounterEvent::Raised { by }),
            CounterCommand::Step => Ok(CounterEvent::Raised { by: 1 }),
        }
    }

    fn evolve(&mut self, event: &CounterEvent) {
        let CounterEvent::Raised { by } = event;
        self.value += by;
    }
}

/// Runs a test with a context at version 3 of aggregate `a`.
fn with_context<T>(test: impl FnOnce(&Context<'_>) -> T) -> T {
    let (id, command_id) = (AggregateId::parse("a").unwrap(), CommandId::generate());
    let correlation_id = CorrelationId::from(command_id.clone());
    test(&Context {
        id: &id,
        version: Version(3),
        now: newton::Timestamp::UNIX_EPOCH,
        command_id: &command_id,
        correlation_id: &correlation_id,
        actor: None,
        tenant: None,
    })
}

#[test]
fn an_aggregate_delegates_to_the_inherent_functions() {
    assert_eq!((Counter::CONTEXT, Counter::NAME, Counter::DOMAIN), ("maths", "Counter", "maths/Counter"));
    assert_eq!(Counter::SNAPSHOT_EVERY, Some(50));
    let mut counter = Counter::default();
    counter.apply(&CounterEvent::Raised { by: 4 });
    assert_eq!(counter, Counter { value: 4 });
    with_context(|context| {
        let raise = |by| counter.handle(CounterCommand::Raise { by }, context);
        assert_eq!(raise(2), Ok(Decision::One(CounterEvent::Raised { by: 2 })));
        assert_eq!(raise(200), Err(CounterError::TooMuch));
    });
}

#[test]
fn a_state_survives_its_snapshot() {
    let json = Counter { value: 4 }.encode_state().unwrap();
    assert_eq!(json, br#"{"value":4}"#);
    assert_eq!(Counter::decode_state(&json).unwrap(), Counter { value: 4 });
    assert!(Counter::decode_state(b"{}").is_err());
}

#[test]
fn commands_are_found_and_decoded_by_name() {
    let index = CounterCommand::index_of("CounterTick").unwrap();
    assert_eq!(CounterCommand::decode(index, b"{}").unwrap(), CounterCommand::Step);
    let raise = CounterCommand::Raise { by: 4 };
    let mut out = Vec::new();
    raise.encode(&mut out).unwrap();
    assert_eq!(out, br#"{"by":4}"#);
    assert_eq!(raise.command_type().name, "CounterRaise");
    assert_eq!(CounterCommand::decode(0, &out).unwrap(), raise);
    assert_eq!(<<CounterCommand as Command>::Aggregate as Aggregate>::NAME, "Counter");
}

#[test]
fn rejections_have_texts() {
    for (rejection, text) in [
        (CounterError::TooMuch, "too much"),
        (CounterError::OverLimit { limit: 9, last_value: None }, "over limit: limit 9, last value None"),
        (CounterError::Odd { by: 3 }, "3 is not {even}"),
        (CounterError::Reserved("x".into()), "\"x\" is reserved"),
        (CounterError::Pair(1, "b".into()), "pair: 1, b"),
    ] {
        assert_eq!(rejection.to_string(), text);
        let json = serde_json::to_string(&rejection).unwrap();
        assert_eq!(serde_json::from_str::<CounterError>(&json).unwrap(), rejection);
    }
    let json = serde_json::to_string(&CounterError::Odd { by: 3 }).unwrap();
    assert_eq!(json, r#"{"Odd":{"by":3}}"#);
}

/// Declares an aggregate `Shaped` whose `decide` returns or takes something else.
macro_rules! shaped {
    ($($decide:tt)*) => {
        #[derive(Aggregate, Clone, Debug, Default)]
        #[aggregate(context = "shapes", event = CounterEvent, command = Ask, rejection = CounterError)]
        struct Shaped;

        #[derive(Command, Clone)]
        #[command(aggregate = Shaped)]
        struct Ask;

        impl Shaped {
            $($decide)*

                fn evolve(&mut self, _: &CounterEvent) {}
        }
    };
}

#[test]
fn decide_may_return_several_events() {
    shaped!(
        fn decide(&self, _: Ask) -> Result<Vec<CounterEvent>, CounterError> {
            Ok(vec![CounterEvent::Raised { by: 1 }, CounterEvent::Raised { by: 2 }])
        }
    );
    let decision = with_context(|context| Shaped.handle(Ask, context)).unwrap();
    assert_eq!(decision.as_slice().len(), 2);
}

#[test]
fn decide_may_return_an_array() {
    shaped!(
        fn decide(&self, _: Ask) -> Result<[CounterEvent; 2], CounterError> {
            Ok([CounterEvent::Raised { by: 1 }, CounterEvent::Raised { by: 2 }])
        }
    );
    let decision = with_context(|context| Shaped.handle(Ask, context)).unwrap();
    assert_eq!(decision.as_slice().len(), 2);
}

#[test]
fn decide_may_return_an_event_or_none() {
    shaped!(
        fn decide(&self, _: Ask) -> Result<Option<CounterEvent>, CounterError> {
            Ok(None)
        }
    );
    assert_eq!(with_context(|context| Shaped.handle(Ask, context)), Ok(Decision::None));
}

#[test]
fn decide_may_return_no_events_at_all() {
    shaped!(
        fn decide(&self, _: Ask) -> Result<(), CounterError> {
            Ok(())
        }
    );
    assert_eq!(with_context(|context| Shaped.handle(Ask, context)), Ok(Decision::None));
}

#[test]
fn decide_may_take_the_context() {
    shaped!(
        fn decide(&self, _: Ask, context: &Context) -> Result<CounterEvent, CounterError> {
            Ok(CounterEvent::Raised { by: context.version.0 })
        }
    );
    let decision = with_context(|context| Shaped.handle(Ask, context));
    assert_eq!(decision, Ok(Decision::One(CounterEvent::Raised { by: 3 })));
}

/// Declares an aggregate in a module of its own, and gives its fingerprint. The fold is a number, because a derive
/// inside a macro has no source file of its own.
macro_rules! fingerprint {
    ($fold:literal, $version:tt, { $($fields:tt)* }) => {{
        #[derive(Event, Clone)]
        #[event $version]
        struct Happened {
            #[allow(dead_code)]
            by: u64,
        }

        #[derive(Command, Clone)]
        #[command(aggregate = State)]
        struct Ask;

        #[derive(Aggregate, Clone, Default)]
        #[aggregate(context = "prints", event = Happened, command = Ask, rejection = CounterError, fold = $fold)]
        struct State { $($fields)* }

        impl State {
                fn decide(&self, _: Ask) -> Result<(), CounterError> {
                Ok(())
            }

                fn evolve(&mut self, _: &Happened) {}
        }

        fn same(old: serde_json::Value) -> serde_json::Value {
            old
        }
        let _ = same;
        State::FINGERPRINT
    }};
}

#[test]
fn a_fingerprint_changes_with_state_events_and_fold_alone() {
    let base = fingerprint!(1, (version = 1), { value: u64 });
    assert!(matches!(base, Fingerprint::Known(_)));
    assert_eq!(base, fingerprint!(1, (version = 1), { /* a comment */ value : u64 }));
    assert_ne!(base, fingerprint!(2, (version = 1), { value: u64 }), "another fold");
    assert_ne!(base, fingerprint!(1, (version = 1), { value: u32 }), "another type");
    assert_ne!(base, fingerprint!(1, (version = 1), { amount: u64 }), "another field");
    assert_ne!(base, fingerprint!(1, (version = 2, upcast(1 => same)), { value: u64 }), "another schema");
}

/// Declares an aggregate without state of its own whose `evolve` is written elsewhere in this file.
macro_rules! folding {
    ($name:ident, $command:ident) => {
        #[derive(Command, Clone)]
        #[command(aggregate = $name)]
        struct $command;

        #[derive(Aggregate, Clone, Default)]
        #[aggregate(context = "folds", event = CounterEvent, command = $command, rejection = CounterError)]
        struct $name {
            value: u64,
        }

        impl $name {
            fn decide(&self, _: $command) -> Result<(), CounterError> {
                Ok(())
            }
        }
    };
}

folding!(Plain, AskPlain);
folding!(Spaced, AskSpaced);
folding!(Doubled, AskDoubled);

impl Plain {
    fn evolve(&mut self, _: &CounterEvent) {
        self.value += 1;
    }
}

#[rustfmt::skip]
impl Spaced {
    /// The same fold in other clothes.
    fn evolve( &mut self , _ : &CounterEvent )
    {
        // One more.
        self . value  +=  1 ;
    }
}

impl Doubled {
    fn evolve(&mut self, _: &CounterEvent) {
        self.value += 2;
    }
}

#[test]
fn a_fingerprint_follows_the_tokens_of_evolve() {
    assert!(matches!(Plain::FINGERPRINT, Fingerprint::Known(_)));
    assert_eq!(Plain::FINGERPRINT, Spaced::FINGERPRINT);
    assert_ne!(Plain::FINGERPRINT, Doubled::FINGERPRINT);
}

mod elsewhere {
    //! Two aggregates of one name in one file: which `evolve` belongs to which cannot be told.

    macro_rules! twin {
        ($module:ident) => {
            pub(super) mod $module {
                use newton::prelude::*;

                use super::super::{CounterError, CounterEvent};

                #[derive(Command, Clone)]
                #[command(aggregate = Twin)]
                pub(crate) struct Ask;

                #[derive(Aggregate, Clone, Default)]
                #[aggregate(context = "twins", event = CounterEvent, rejection = CounterError, command = Ask)]
                pub(crate) struct Twin;
            }
        };
    }

    twin!(first);
    twin!(second);

    impl first::Twin {
        pub(crate) fn decide(&self, _: first::Ask) -> Result<(), super::CounterError> {
            Ok(())
        }

        pub(crate) fn evolve(&mut self, _: &super::CounterEvent) {}
    }

    impl second::Twin {
        pub(crate) fn decide(&self, _: second::Ask) -> Result<(), super::CounterError> {
            Ok(())
        }

        pub(crate) fn evolve(&mut self, _: &super::CounterEvent) {}
    }
}

#[test]
fn a_fingerprint_is_unknown_rather_than_guessed() {
    assert_eq!(elsewhere::first::Twin::FINGERPRINT, Fingerprint::Unknown);
    assert_eq!(elsewhere::second::Twin::FINGERPRINT, Fingerprint::Unknown);
}
