//! What can be put into a registry.

use crate::registry::{Registry, kind};

/// A type that can be put into a [`Registry`]. Every derived type is one, and so are tuples of up to sixteen of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered",
    label = "derive `Aggregate`, `Event`, `Command`, `Projection`, `Saga` or `EventHandler` for `{Self}`"
)]
pub trait Register: 'static {
    /// What it is: one of the types in [`kind`].
    type Kind;

    /// Adds the type.
    fn register(registry: &mut Registry);
}

macro_rules! tuple {
    ($($member:ident)*) => {
        impl<$($member: Register),*> Register for ($($member,)*) {
            type Kind = kind::Several;

            fn register(registry: &mut Registry) {
                $($member::register(registry);)*
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);
tuple!(A B C D E F G H I J K L M);
tuple!(A B C D E F G H I J K L M N);
tuple!(A B C D E F G H I J K L M N O);
tuple!(A B C D E F G H I J K L M N O P);
