//! A peer that talks as the Java library does, where that is not how the published client talks: over a real broker, in both
//! directions. No such library is published, so it is written by hand from the description of the wire, and shares no code with
//! Newton but the compression.
//!
//! - [`Peer`]: its end of a shared channel; `envelope`: how its messages are written and read; [`Square`]: its discovery
//! - `asking`: it is the client of Newton; `serving`: Newton is the client of it

mod asking;
mod envelope;
mod peer;
mod serving;
mod square;

use self::envelope::{Form, Heard};
use self::peer::{Peer, idle};
use self::square::{Square, Way};
use crate::trial::ServiceTrial;

pub(crate) fn trials() -> Vec<ServiceTrial> {
    let mut list = asking::trials();
    list.extend(serving::trials());
    list
}
