//! Bank.
#![allow(unreachable_pub, reason = "the domain reads as it would in a library of its own")]
mod account;
#[cfg(test)]
mod account_tests;
fn main() {}
