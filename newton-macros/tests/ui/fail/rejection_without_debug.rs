//! A rejection without `Debug`.

use newton::prelude::*;

#[derive(Rejection)]
enum AccountError {
    AlreadyOpen,
}

fn main() {}
