//! Subscriptions deliver what they select from where they begin: in order, each event once, whatever happens meanwhile.
//!
//! - `modes`: every mode, selection, beginning and filter
//! - `seam`: between what is stored and what is appended
//! - `sharing`: what thousands of them cost
//! - `failures`: stores that fail, panic or close, and runtimes that end
//! - `across`: what another process appends

mod across;
mod failures;
mod modes;
mod seam;
mod sharing;
mod support;
