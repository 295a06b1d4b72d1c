//! Sagas: one durable instance for each key, triggers in order, commands once, timers, compensation, parking.

mod commands;
mod crash;
mod late;
mod outages;
mod routing;
mod script;
pub(crate) mod shop;
mod timers;
mod versions;
