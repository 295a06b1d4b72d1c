//! The same work by hand: straight rusqlite on Newton's tables.

use std::collections::HashMap;
use std::path::Path;

use bench_harness::bank::AccountEvent;
use newton::Event;
use rusqlite::{Connection, params};

use crate::Failure;

const READ: &str = "SELECT e.order_id, s.name, t.name, e.payload FROM events e
    JOIN streams s USING (stream_id) JOIN event_types t USING (type_id) WHERE e.order_id > ? ORDER BY e.order_id LIMIT 1000";

/// Decodes all events and folds them in memory.
pub(crate) fn fold(file: &Path) -> Result<(), Failure> {
    let mut balances: HashMap<String, u64> = HashMap::new();
    each_page(file, |page| {
        for (_, stream, amount) in page {
            *balances.entry(stream).or_default() += amount;
        }
        Ok(())
    })
}

/// Writes a row for each event, a thousand in a transaction with the checkpoint.
pub(crate) fn rows(file: &Path, to: &Path) -> Result<(), Failure> {
    let _ = std::fs::remove_file(to);
    let mut table = Connection::open(to)?;
    table.execute_batch(
        "PRAGMA journal_mode = wal; PRAGMA synchronous = normal; CREATE TABLE checkpoint (position INTEGER);
         INSERT INTO checkpoint VALUES (0);
         CREATE TABLE movements (order_id INTEGER PRIMARY KEY, stream TEXT NOT NULL, amount INTEGER NOT NULL)",
    )?;
    each_page(file, |page| {
        let transaction = table.transaction()?;
        let last = page.last().map(|(order_id, ..)| *order_id);
        {
            let mut insert = transaction.prepare_cached("INSERT INTO movements VALUES (?, ?, ?)")?;
            for (order_id, stream, amount) in page {
                insert.execute(params![order_id, stream, amount.cast_signed()])?;
            }
        }
        transaction.prepare_cached("UPDATE checkpoint SET position = ?")?.execute([last])?;
        Ok(transaction.commit()?)
    })
}

fn each_page(
    file: &Path,
    mut take: impl FnMut(Vec<(i64, String, u64)>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let log = Connection::open(file)?;
    let mut read = log.prepare(READ)?;
    let mut last = 0;
    loop {
        let mut page = Vec::with_capacity(1_000);
        let mut rows = read.query([last])?;
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            let index = AccountEvent::index_of(row.get_ref(2)?.as_str()?).ok_or("an unknown type")?;
            let event = <AccountEvent as Event>::decode(index, row.get_ref(3)?.as_str()?.as_bytes())?;
            page.push((last, row.get(1)?, amount(&event)));
        }
        if page.is_empty() {
            return Ok(());
        }
        take(page)?;
    }
}

/// What an event moves.
pub(crate) fn amount(event: &AccountEvent) -> u64 {
    match event {
        AccountEvent::Opened { .. } => 0,
        AccountEvent::Deposited { amount, .. } | AccountEvent::Withdrawn { amount, .. } => *amount,
    }
}
