//! Values that no two aggregates of a kind may have: reserved, given up and looked up.
#![doc = include_str!("../../../docs/uniqueness.md")]
//!
//! # Map
//!
//! - `claim`: what a command changes of its aggregate's unique values
//! - `place`: the system stream in which a value is reserved; `reservation`: what stands there
//! - `settle`: from claims to what is appended beside the events, or to whoever has the value
//! - `owner`: who owns a value; `reserve`: values of aggregates that were there before

mod claim;
mod owner;
mod place;
mod reservation;
mod reserve;
mod settle;

pub(crate) use claim::{Claim, Step, all, apply, rejection};
pub(crate) use place::is_reservation;
pub(crate) use reserve::check;
pub use reserve::{Duplicate, ReserveReport};
pub(crate) use settle::{Holders, Settled, settle};
