//! Newton's promises, one module each, in one binary.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod aggregates;
mod bus;
mod causality;
mod commands_once;
mod contract;
mod crash;
mod derived_reactions;
mod derives;
mod execute;
mod failure;
mod flaws;
mod house;
mod laws;
mod leases;
mod lifecycle;
mod loading;
mod metadata;
mod model;
mod muon;
mod power_cut;
mod processes;
mod projections;
mod readme;
mod registry;
mod remote;
mod sagas;
mod scenario;
mod services;
mod snapshots;
mod sqlite;
mod start;
mod subscriptions;
mod testkit;
mod tracing;
mod unique;
