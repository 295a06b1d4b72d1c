//! The shop's books after the fact: a fold of the log, the table of its read model, and what must be true of both.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use newton::store::{EventStoreExt, Read, Selection, open};
use rusqlite::{Connection, OpenFlags};

/// What an order came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    stage: &'static str,
    total: u64,
    is_lost: bool,
    payments: u64,
    refunds: u64,
    shipments: u64,
}

#[derive(Clone)]
pub(crate) struct Books {
    /// By order, folded from the log.
    log: BTreeMap<String, Entry>,
    /// By order, as the read model has it: stage, total, payments, refunds, shipments.
    table: BTreeMap<String, (String, u64, u64, u64, u64)>,
    /// How often each instance of the saga ended, by its stream.
    sagas: BTreeMap<String, u64>,
}

impl Books {
    pub(crate) async fn read(url: &str, file: &Path) -> Self {
        let (mut log, mut sagas) = (BTreeMap::new(), BTreeMap::new());
        let stores = open(url).await.unwrap();
        for event in stores.events.read_all(Read::of(Selection::All).with_system()).await.unwrap() {
            if event.stream.as_str().starts_with("$saga/") {
                *sagas.entry(event.stream.to_string()).or_default() +=
                    u64::from(event.event_type == "$SagaEnded");
            } else if !event.stream.is_system() {
                let payload: serde_json::Value = serde_json::from_slice(event.payload.as_bytes()).unwrap();
                let order = payload["order"].as_str().unwrap().to_owned();
                fold(log.entry(order).or_default(), &event.event_type, &payload);
            }
        }
        Self { log, table: table(file), sagas }
    }

    /// Everything that is wrong.
    pub(crate) fn audit(
        &self,
        placed: &[String],
        paid: &[String],
        mails: &[(String, String)],
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        for (order, entry) in &self.log {
            wrong.extend(judge(entry).map(|why| format!("`{order}` {why}: {entry:?}")));
        }
        wrong.extend(self.compare());
        wrong.extend(
            self.sagas
                .iter()
                .filter(|(_, ended)| **ended != 1)
                .map(|(stream, ended)| format!("`{stream}` ended {ended} times")),
        );
        if self.sagas.len() != self.log.len() {
            wrong.push(format!("{} orders have {} sagas", self.log.len(), self.sagas.len()));
        }
        wrong.extend(
            placed
                .iter()
                .filter(|order| !self.log.contains_key(*order))
                .map(|order| format!("`{order}` was placed and is lost")),
        );
        let is_paid = |order: &String| self.log.get(order).is_some_and(|entry| entry.payments == 1);
        wrong.extend(
            paid.iter().filter(|order| !is_paid(order)).map(|order| format!("`{order}` lost its payment")),
        );
        wrong.extend(self.audit_mails(mails));
        wrong
    }

    fn compare(&self) -> Vec<String> {
        let expected = self.log.iter().map(|(order, entry)| {
            let Entry { stage, total, payments, refunds, shipments, .. } = entry.clone();
            (order.clone(), (stage.to_owned(), total, payments, refunds, shipments))
        });
        let expected: BTreeMap<_, _> = expected.collect();
        let rows = expected
            .keys()
            .chain(self.table.keys())
            .filter(|order| expected.get(*order) != self.table.get(*order));
        rows.map(|order| {
            format!(
                "`{order}` is {:?} in the table and {:?} in the log",
                self.table.get(order),
                expected.get(order)
            )
        })
        .collect()
    }

    /// At least one mail for each shipment, all of one order under one id.
    fn audit_mails(&self, mails: &[(String, String)]) -> Vec<String> {
        let mut ids: HashMap<&str, &str> = HashMap::new();
        let mut wrong = Vec::new();
        for (id, order) in mails {
            if *ids.entry(order).or_insert(id) != id {
                wrong.push(format!("`{order}` was mailed under two ids"));
            }
        }
        let shipped = self.log.iter().filter(|(_, entry)| entry.shipments > 0);
        wrong.extend(
            shipped
                .filter(|(order, _)| !ids.contains_key(order.as_str()))
                .map(|(order, _)| format!("`{order}` had no mail")),
        );
        wrong
    }

    /// The books with one thing wrong each.
    pub(crate) fn doctored(&self) -> Vec<Self> {
        let with = |change: fn(&mut Self)| {
            let mut books = self.clone();
            change(&mut books);
            books
        };
        vec![
            with(|books| books.log.values_mut().for_each(|entry| entry.payments += 1)),
            with(|books| books.log.values_mut().for_each(|entry| entry.shipments += 1)),
            with(|books| drop(books.table.pop_first())),
            with(|books| drop(books.sagas.pop_first())),
            with(|books| books.sagas.values_mut().for_each(|ended| *ended = 0)),
        ]
    }
}

fn fold(entry: &mut Entry, event_type: &str, payload: &serde_json::Value) {
    match event_type {
        "OrderPlaced" => {
            entry.stage = "open";
            entry.total = payload["total"].as_u64().unwrap();
            entry.is_lost = payload["address"] == "nowhere";
        }
        "OrderCompleted" => entry.stage = "completed",
        "OrderCancelled" => entry.stage = "cancelled",
        "PaymentReceived" => entry.payments += 1,
        "PaymentRefunded" => entry.refunds += 1,
        "ShipmentShipped" => entry.shipments += 1,
        "PaymentRequested" | "PaymentWithdrawn" => {}
        other => panic!("an event type that the shop does not have: {other}"),
    }
}

/// What is wrong with an order that is at its end.
fn judge(entry: &Entry) -> Option<&'static str> {
    let right = match (entry.payments, entry.is_lost) {
        (0, _) => ("cancelled", 0, 0),
        (_, true) => ("cancelled", 1, 0),
        (_, false) => ("completed", 0, 1),
    };
    let is = (entry.stage, entry.refunds, entry.shipments);
    match entry.payments {
        0 | 1 if is == right => None,
        0 | 1 => Some("has come to a wrong end"),
        _ => Some("was paid more than once"),
    }
}

/// The newest file of the read model.
fn table(file: &Path) -> BTreeMap<String, (String, u64, u64, u64, u64)> {
    let folder = file.with_file_name("orders.db.projections");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "db"));
    files.sort();
    let connection =
        Connection::open_with_flags(files.last().unwrap(), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let sql = "SELECT id, stage, total, payments, refunds, shipments FROM orders";
    let mut statement = connection.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let number = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
        Ok((row.get(0)?, (row.get(1)?, number(2)?, number(3)?, number(4)?, number(5)?)))
    };
    statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
}
