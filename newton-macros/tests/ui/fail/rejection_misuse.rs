//! Rejections with unfit texts and shapes.

use newton::prelude::*;

#[derive(Rejection, Debug)]
#[rejection("no")]
enum AccountError {
    #[rejection(text = "no")]
    AlreadyOpen,
    #[rejection]
    NotOpen,
    #[rejection("no")]
    #[rejection("never")]
    Overdrawn {
        #[rejection("balance")]
        balance: u64,
    },
}

#[derive(Rejection, Debug)]
enum Never {}

#[derive(Rejection, Debug)]
struct Generic<T> {
    value: T,
}

fn main() {}
