//! What a step of a scenario accepts as its events.

use crate::domain::Event;

/// Events of one step: a single event, an array, a `Vec`, or a tuple of whatever converts into the event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand for events of type `{E}`",
    label = "expected an event, an array, a `Vec` or a tuple of events"
)]
pub trait IntoEvents<E> {
    /// The events in order.
    fn into_events(self) -> Vec<E>;
}

impl<E: Event> IntoEvents<E> for E {
    fn into_events(self) -> Vec<E> {
        vec![self]
    }
}

impl<E: Event> IntoEvents<E> for Vec<E> {
    fn into_events(self) -> Vec<E> {
        self
    }
}

impl<E: Event, const N: usize> IntoEvents<E> for [E; N] {
    fn into_events(self) -> Vec<E> {
        self.into()
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<Target: Event, $($name: Into<Target>),+> IntoEvents<Target> for ($($name,)+) {
            fn into_events(self) -> Vec<Target> {
                #[allow(non_snake_case, reason = "each value is named as its type")]
                let ($($name,)+) = self;
                vec![$($name.into()),+]
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
