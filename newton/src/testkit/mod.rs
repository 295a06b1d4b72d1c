//! What tests are made of, for Newton's own and for its users'.
//!
//! - [`contract`]: the promises of the store traits, as tests for any store

pub mod contract;
