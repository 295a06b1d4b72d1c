//! Newton's promises, one module each.

mod contract;
