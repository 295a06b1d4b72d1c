//! What is in each account: a read model in memory, built anew at every start.

use std::collections::BTreeMap;

use newton::prelude::*;

use crate::account::AccountEvent;

#[derive(Projection, Debug, Default)]
#[projection(handles(AccountEvent))]
pub struct Balances {
    pub by_account: BTreeMap<String, u64>,
}

impl On<AccountEvent> for Balances {
    fn on(&mut self, event: &AccountEvent, _: &mut View) -> Result<()> {
        match event {
            AccountEvent::Opened { account, .. } => {
                self.by_account.insert(account.clone(), 0);
            }
            AccountEvent::Deposited { account, amount } => {
                *self.by_account.entry(account.clone()).or_default() += u64::from(*amount);
            }
        }
        Ok(())
    }
}
