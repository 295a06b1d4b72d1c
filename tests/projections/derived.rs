//! A projection over several aggregates that writes in sets, all by its derive.

use newton::prelude::*;
use newton::{App, ErrorKind, HandlerError};
use newton_tests::bank::{Account, AccountEvent, deposit, open};
use newton_tests::{Given, over_every_store};

over_every_store!(
    several_aggregates_are_one_projection_and_written_in_sets,
    what_a_set_cannot_take_is_found_and_parked,
);

#[derive(Event, Clone, Debug)]
enum LetterEvent {
    Posted { stamps: u32 },
}

#[derive(Command, Clone, Debug)]
enum LetterCommand {
    Post { stamps: u32 },
}

#[derive(Rejection, Debug)]
enum LetterError {
    NoStamps,
}

#[derive(Aggregate, Clone, Debug, Default)]
#[aggregate(context = "post")]
struct Letter {
    stamps: u32,
}

impl Letter {
    #[expect(
        clippy::unused_self,
        clippy::needless_pass_by_value,
        reason = "the form that the derive asks for"
    )]
    fn decide(&self, command: LetterCommand) -> Result<LetterEvent, LetterError> {
        match command {
            LetterCommand::Post { stamps: 0 } => Err(LetterError::NoStamps),
            LetterCommand::Post { stamps } => Ok(LetterEvent::Posted { stamps }),
        }
    }

    fn evolve(&mut self, event: &LetterEvent) {
        let LetterEvent::Posted { stamps } = event;
        self.stamps += stamps;
    }
}

/// What is held back until it is written.
#[derive(Clone, Debug, Default)]
struct Held(Vec<(String, i64)>);

/// A row for each event, in the order of the log, whatever aggregate it is of.
#[derive(Projection)]
#[projection(sqlite, handles(AccountEvent, LetterEvent), name = "derived-activity")]
struct Activity {
    held: Held,
}

impl Activity {
    fn setup(tx: &mut SqliteTables) -> Result<()> {
        tx.execute_batch(
            "CREATE TABLE activity (place INTEGER PRIMARY KEY, stream TEXT, amount INTEGER);
             CREATE TABLE sets (rows INTEGER)",
        )?;
        Ok(())
    }

    fn flush(&mut self, tx: &mut SqliteTables) -> Result<()> {
        tx.execute("INSERT INTO sets (rows) VALUES (?)", (i64::try_from(self.held.0.len())?,))?;
        for (stream, amount) in self.held.0.drain(..) {
            if amount == 13 {
                return Err(HandlerError::new("13 is unlucky"));
            }
            tx.execute("INSERT INTO activity (stream, amount) VALUES (?, ?)", (stream, amount))?;
        }
        Ok(())
    }
}

impl On<AccountEvent> for Activity {
    fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx) -> Result<()> {
        let amount = if let AccountEvent::Deposited { amount } = event { i64::try_from(*amount)? } else { 0 };
        self.hold(amount, tx);
        Ok(())
    }
}

impl On<LetterEvent> for Activity {
    fn on(&mut self, event: &LetterEvent, tx: &mut SqliteTx) -> Result<()> {
        let LetterEvent::Posted { stamps } = event;
        self.hold(i64::from(*stamps), tx);
        Ok(())
    }
}

impl Activity {
    fn hold(&mut self, amount: i64, tx: &SqliteTx<'_>) {
        let stream = tx.meta().stream.to_string();
        self.held.0.push((stream, amount));
    }
}

async fn activity(app: &App) -> Vec<(String, i64)> {
    let sql = "SELECT stream, amount FROM activity ORDER BY place";
    let view = app.view::<Activity>().unwrap();
    view.query(sql, (), |row| Ok((row.get(0)?, row.get(1)?))).await.unwrap()
}

async fn several_aggregates_are_one_projection_and_written_in_sets(given: Given) {
    let writing = given.app().only::<(Account, Letter)>().start().await.unwrap();
    let mut expected = Vec::new();
    for number in 20..120 {
        writing.execute(format!("a-{number}"), open("Ada")).await.unwrap();
        writing.execute(format!("l-{number}"), LetterCommand::Post { stamps: number }).await.unwrap();
        expected.push((format!("bank/Account/a-{number}"), 0));
        expected.push((format!("post/Letter/l-{number}"), i64::from(number)));
    }
    let builder = given.app().only::<(Account, Letter, Activity)>().provide(Held::default());
    let app = builder.start().await.unwrap();
    app.caught_up_all().await.unwrap();
    assert_eq!(activity(&app).await, expected);
    let view = app.view::<Activity>().unwrap();
    let sets = view.query("SELECT rows FROM sets", (), |row| row.get::<_, i64>(0)).await.unwrap();
    assert_eq!(sets.iter().sum::<i64>(), 200);
    assert!(sets.len() < 200, "many events are one set: {sets:?}");
}

async fn what_a_set_cannot_take_is_found_and_parked(given: Given) {
    let writing = given.app().only::<(Account, Letter)>().start().await.unwrap();
    for number in 0..10 {
        writing.execute(format!("a-{number}"), open("Ada")).await.unwrap();
    }
    let failed = writing.execute("a-3", deposit(13)).await.unwrap();
    writing.execute("a-4", deposit(14)).await.unwrap();
    let builder = given.app().only::<(Account, Letter, Activity)>().provide(Held::default());
    let app = builder.start().await.unwrap();
    app.caught_up_all().await.unwrap();
    let error = app.caught_up::<Activity>(&failed).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Parked { key: "bank/Account/a-3".into() });
    let found = activity(&app).await;
    assert_eq!(found.len(), 11);
    assert_eq!(found[10], ("bank/Account/a-4".to_owned(), 14));
}
