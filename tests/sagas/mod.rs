//! Sagas: one durable instance for each key, triggers in order, commands once, timers, compensation, parking.

mod commands;
mod routing;
mod script;
mod timers;
