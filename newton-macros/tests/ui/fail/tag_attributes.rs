//! Tags without a key, or with unknown attributes.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed(#[tag] u64),
    Paid {
        #[tag(key = "order")]
        order: u64,
    },
    Shipped {
        #[tag("")]
        order: u64,
    },
    Returned {
        #[tag("order")]
        #[tag("return")]
        order: u64,
    },
}

fn main() {}
