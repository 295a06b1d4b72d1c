//! What each account is worth in euros: a read model in a table of its own SQLite file, which outlasts the program.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use newton::HandlerError;
use newton::prelude::*;

use crate::account::AccountEvent;

/// What one unit of a currency is worth, in cents.
#[derive(Clone, Debug, Default)]
pub struct Rates(Arc<RwLock<HashMap<String, u32>>>);

impl Rates {
    pub fn set(&self, currency: &str, cents: u32) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(currency.to_owned(), cents);
    }

    fn of(&self, currency: &str) -> Option<u32> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(currency).copied()
    }
}

/// One row for each account. The rates are given to the builder of the app.
#[derive(Projection, Debug)]
#[projection(sqlite, handles(AccountEvent))]
pub struct Worth {
    rates: Rates,
}

impl Worth {
    fn setup(tx: &mut SqliteTables) -> Result<()> {
        let table = "CREATE TABLE accounts (id TEXT PRIMARY KEY, owner TEXT, rate INTEGER, cents INTEGER)";
        tx.execute(table, ())?;
        Ok(())
    }
}

impl On<AccountEvent> for Worth {
    fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx) -> Result<()> {
        match event {
            AccountEvent::Opened { account, owner, currency } => {
                let rate = self
                    .rates
                    .of(currency)
                    .ok_or_else(|| HandlerError::new(format!("no rate for {currency}")))?;
                tx.execute("INSERT INTO accounts VALUES (?, ?, ?, 0)", (account, owner, rate))?;
            }
            AccountEvent::Deposited { account, amount } => {
                let sql = "UPDATE accounts SET cents = cents + ? * rate WHERE id = ?";
                tx.execute(sql, (amount, account))?;
            }
        }
        Ok(())
    }
}
