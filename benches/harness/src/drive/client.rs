//! The clients: an endless row of commands each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::UNIX_EPOCH;

use crate::bank::AccountCommand;
use crate::work::Traffic;

/// The accounts over which [`Traffic::One`] moves, one at a time.
pub(super) const SHARED: u64 = 64;
/// After so many commands it moves on.
const PER_SHARED: u64 = 500;

/// One client.
pub(super) struct Client {
    number: u64,
    of: u64,
    traffic: Traffic,
    step: u64,
    random: Random,
    /// Sets the new accounts of this run apart from those that are in the store.
    run: u128,
    shared: Arc<AtomicU64>,
}

/// The id of an account that exists.
pub(super) fn existing(number: u64) -> String {
    format!("acc-{number}")
}

impl Client {
    /// So many clients of the same traffic.
    pub(super) fn several(count: usize, traffic: &Traffic) -> Vec<Self> {
        let shared = Arc::new(AtomicU64::new(0));
        let of = count as u64;
        let run = UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
        (0..of)
            .map(|number| Self {
                number,
                of,
                traffic: traffic.clone(),
                step: 0,
                random: Random::new(number + 1),
                run,
                shared: shared.clone(),
            })
            .collect()
    }

    /// The next command and the account it is for.
    pub(super) fn next(&mut self) -> (String, AccountCommand) {
        let step = self.step;
        self.step += 1;
        match self.traffic {
            Traffic::Fresh { events } => (self.own(step / events), life(step % events)),
            Traffic::Import { events } => (self.own(step), AccountCommand::Import { events }),
            Traffic::Existing { accounts, .. } => {
                let number = self.number + self.of * self.random.below(accounts / self.of);
                (existing(number), AccountCommand::Deposit { amount: 10 })
            }
            Traffic::One => {
                let account = self.shared.fetch_add(1, Relaxed) / PER_SHARED % SHARED;
                (existing(account), AccountCommand::Deposit { amount: 10 })
            }
        }
    }

    fn own(&self, account: u64) -> String {
        format!("acc-{:x}-{}-{account}", self.run, self.number)
    }
}

/// The command that makes the event at `step` of an account's life.
fn life(step: u64) -> AccountCommand {
    match step {
        0 => AccountCommand::Open,
        step if step % 2 == 1 => AccountCommand::Deposit { amount: 20 },
        _ => AccountCommand::Withdraw { amount: 10 },
    }
}

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_on_existing_accounts_never_share_one() {
        let traffic = Traffic::Existing { accounts: 100, prepare: None };
        let mut clients = Client::several(4, &traffic);
        for _ in 0..50 {
            for client in &mut clients {
                let (id, _) = client.next();
                let number: u64 = id.trim_start_matches("acc-").parse().unwrap();
                assert_eq!(number % 4, client.number);
                assert!(number < 100);
            }
        }
    }
}
