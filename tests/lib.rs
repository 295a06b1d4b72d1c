//! Shared helpers of the promise tests.
