//! Trials against real servers: ignored, with the reason, where a server is missing.
//!
//! - [`service`]: what trials need, where it is and whether it answers
//! - [`trial`]: what a trial is, and how lists of trials are made
//! - [`hand`]: channels by plain AMQP
//! - the other modules: the trials, one list each
//!
//! `.ci/services start` starts the servers and `eval "$(.ci/services env)"` says where they are. With
//! `NEWTON_REQUIRE_SERVICES=1` a missing server fails its trials. The usual harness can't ignore a test while it runs, so
//! this binary has its own.
#![expect(clippy::expect_used, clippy::panic, reason = "a trial fails by a panic")]

mod amqp;
mod command_line;
mod encrypted;
mod faults;
mod hand;
mod interop;
mod java;
mod orders;
mod rabbitmq;
mod sagas;
mod service;
mod trial;
mod urls;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let lists = [
        rabbitmq::trials(),
        amqp::trials(),
        urls::trials(),
        encrypted::trials(),
        command_line::trials(),
        interop::trials(),
        java::trials(),
        faults::trials(),
        orders::trials(),
        sagas::trials(),
    ];
    let trials = lists.into_iter().flatten().map(trial::ServiceTrial::into_trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
