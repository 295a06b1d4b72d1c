//! Projections follow the log: each event applies exactly once, what fails is parked by its key, a rebuild switches at once.
//!
//! - `following`: views in memory and in tables, reading one's own write, several batches
//! - `failing`: parked keys, panics, handlers over their time-out
//! - `rebuilding`: rebuilds, with crashes and appends, and changed code
//! - `nodes`: a second app stands by and takes over
//! - `origin`: a file that was made from another log
//! - `derived`: several aggregates, and writes in sets, by the derive
//! - `killed`: exactly once across `kill -9`
//! - `docs`: what `docs/sqlite.md` says of their files

mod derived;
mod docs;
mod failing;
mod following;
mod killed;
mod nodes;
mod origin;
mod rebuilding;
mod views;

use std::collections::BTreeMap;

use newton::App;
use newton::projection::{SqliteProjection, SqliteView};
use newton::store::{EventStore, Read, Selection};
use newton_tests::bank::{AccountEvent, deposit, open};

/// The rows of the table: stream, balance, events.
type Rows = Vec<(String, i64, i64)>;

/// Accounts, each opened and given the same three amounts.
async fn fill(app: &App, accounts: u32) -> newton::Receipt {
    let mut last = None;
    for account in 0..accounts {
        app.execute(format!("acc-{account}"), open("Ada")).await.unwrap();
        for amount in 1..=3 {
            last = Some(app.execute(format!("acc-{account}"), deposit(amount)).await.unwrap());
        }
    }
    last.expect("there is an account")
}

async fn rows<P: SqliteProjection>(app: &App) -> Rows {
    let view: SqliteView<P> = app.view::<P>().unwrap();
    let sql = "SELECT stream, balance, events FROM balances ORDER BY stream";
    view.query(sql, (), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).await.unwrap()
}

/// What a fold of the log gives, written independently of any projection.
async fn folded(events: &dyn EventStore) -> Rows {
    let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let mut read = Some(Read::of(Selection::All));
    while let Some(this) = read.take() {
        let page = events.read(this.clone()).await.unwrap();
        for event in page.events {
            let (balance, count) = sums.entry(event.stream.to_string()).or_default();
            *count += 1;
            *balance += match newton::domain::decode_recorded::<AccountEvent>(&event).unwrap() {
                AccountEvent::Deposited { amount } => i64::try_from(amount).unwrap(),
                AccountEvent::Withdrawn { amount } => -i64::try_from(amount).unwrap(),
                AccountEvent::Opened { .. } | AccountEvent::Cursed => 0,
            };
        }
        read = page.next.map(|next| this.from(next));
    }
    sums.into_iter().map(|(stream, (balance, count))| (stream, balance, count)).collect()
}
