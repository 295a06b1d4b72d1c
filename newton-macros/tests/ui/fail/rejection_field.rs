//! A text with a field that is not there.

use newton::prelude::*;

#[derive(Rejection, Debug)]
enum AccountError {
    #[rejection("balance is only {balanse}")]
    Overdrawn { balance: u64 },
}

fn main() {}
