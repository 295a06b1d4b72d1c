//! What the bank does: each operation executes a command or reads from the log, and says what came of it.

use std::collections::VecDeque;
use std::io::Write;

use futures_util::TryStreamExt;
use newton::store::{EventStoreExt, Streams};
use newton::{Aggregate, App, Newton, Recorded, StreamName};

use crate::account::{Account, AccountCommand, AccountEvent};
use crate::trouble::Trouble;

type Result<T = ()> = std::result::Result<T, Trouble>;

/// The bank on a store, telling `out` what happens.
pub struct Bank<W> {
    app: App,
    out: W,
}

impl<W: Write> Bank<W> {
    pub async fn start(store: &str, out: W) -> Result<Self> {
        Ok(Self { app: Newton::builder().store(store).start().await?, out })
    }

    pub async fn open(&mut self, account: &str, owner: &str) -> Result {
        self.execute(account, AccountCommand::Open { owner: owner.into() }).await?;
        self.say(format_args!("opened `{account}` for {owner}"))
    }

    pub async fn deposit(&mut self, account: &str, amount: u64) -> Result {
        self.execute(account, AccountCommand::Deposit { amount }).await?;
        self.say(format_args!("put {amount} into `{account}`"))
    }

    pub async fn withdraw(&mut self, account: &str, amount: u64) -> Result {
        self.execute(account, AccountCommand::Withdraw { amount }).await?;
        self.say(format_args!("took {amount} out of `{account}`"))
    }

    pub async fn balance(&mut self, account: &str) -> Result {
        match self.app.load::<Account>(account).await? {
            Some(loaded) => self.say(format_args!("{account:<12} {:>12}", loaded.state.balance)),
            None => Err(Trouble::no_account(account)),
        }
    }

    pub async fn balances(&mut self) -> Result {
        let streams = Streams {
            domain: Some(StreamName::parse(Account::DOMAIN)?),
            after: None,
            limit: 100,
            system: false,
        };
        let accounts: Vec<_> = self.app.events().all_streams(streams).try_collect().await?;
        if accounts.is_empty() {
            return self.say(format_args!("no accounts yet; open one with `bank open <ACCOUNT> <OWNER>`"));
        }
        for account in accounts {
            self.balance(account.name.id()).await?;
        }
        Ok(())
    }

    /// The last `most` events of an account, oldest first.
    pub async fn history(&mut self, account: &str, most: usize) -> Result {
        let mut last = VecDeque::new();
        let mut left_out = 0_u64;
        let mut events = self.app.history::<Account>(account)?;
        while let Some(event) = events.try_next().await? {
            last.push_back(event);
            if last.len() > most {
                last.pop_front();
                left_out += 1;
            }
        }
        if last.is_empty() {
            return Err(Trouble::no_account(account));
        }
        if left_out > 0 {
            self.say(format_args!("   ..  {left_out} earlier"))?;
        }
        last.iter().try_for_each(|event| self.say(format_args!("{}", line(event))))
    }

    pub fn say(&mut self, text: std::fmt::Arguments<'_>) -> Result {
        Ok(writeln!(self.out, "{text}")?)
    }

    async fn execute(&mut self, account: &str, command: AccountCommand) -> Result {
        let executed = self.app.execute(account, command).await;
        executed.map(drop).map_err(|error| Trouble::of(account, error))
    }
}

fn line(Recorded { event, recorded }: &Recorded<AccountEvent>) -> String {
    let what = match event {
        AccountEvent::Opened { owner } => format!("opened for {owner}"),
        AccountEvent::Deposited { amount } => format!("deposited {amount}"),
        AccountEvent::Withdrawn { amount } => format!("withdrawn {amount}"),
    };
    format!("{:>5}  {}  {what}", recorded.version, recorded.time.format("%Y-%m-%d %H:%M:%S"))
}
