//! The shop is killed at random moments, again and again, and in the end every order has come to its one right end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod books;
mod clerk;

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use books::Books;
use clerk::{Clerk, Random, settle};

/// How often the shop is killed.
const KILLS: u32 = 50;

fn orders(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orders"));
    command.args(["--store", url]).args(arguments);
    command
}

fn work(url: &str, seed: u64) -> Command {
    orders(url, &["work", &seed.to_string()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_shop_brings_every_order_to_its_end() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("orders.db");
    let url = format!("sqlite://{}", file.display());
    let seed = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
    println!("seed {seed}");
    let mut random = Random(seed);
    let (mut placed, mut paid, mut mails) = (Vec::new(), Vec::new(), Vec::new());
    for kill in 0..KILLS {
        let mut clerk = Clerk::start(work(&url, kill.into()));
        // Some are killed while they start and take over what the one before left.
        if random.below(5) > 0 {
            clerk.wait_for(1 + random.below(12));
        }
        let said = clerk.kill(random.below(60));
        placed.extend(said.placed);
        paid.extend(said.paid);
        mails.extend(said.mails);
    }
    mails.extend(settle(orders(&url, &["settle"])).mails);
    let books = Books::read(&url, &file).await;
    println!("{KILLS} kills, {} orders placed, {} paid, {} mails", placed.len(), paid.len(), mails.len());
    assert!(placed.len() > 100, "only {} orders were placed", placed.len());
    let wrong = books.audit(&placed, &paid, &mails);
    assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
}

/// The audit itself is able to fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctored_books_are_found_out() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("orders.db");
    let url = format!("sqlite://{}", file.display());
    let mut clerk = Clerk::start(work(&url, 0));
    clerk.wait_for(12);
    let said = clerk.kill(0);
    let mails = [said.mails, settle(orders(&url, &["settle"])).mails].concat();
    let books = Books::read(&url, &file).await;
    assert_eq!(books.audit(&said.placed, &said.paid, &mails), Vec::<String>::new());
    for doctored in books.doctored() {
        assert_ne!(doctored.audit(&said.placed, &said.paid, &mails), Vec::<String>::new());
    }
    assert_ne!(books.audit(&["o-lost".to_owned()], &[], &mails), Vec::<String>::new());
    assert_ne!(books.audit(&[], &["o-lost".to_owned()], &mails), Vec::<String>::new());
    assert_ne!(books.audit(&[], &[], &[]), Vec::<String>::new());
}
