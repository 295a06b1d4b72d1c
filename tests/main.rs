//! Newton's promises, one module each, in one binary.

mod contract;
mod derives;
