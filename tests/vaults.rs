//! A saga that sends to another service, and a gate at which that one holds its commands, to break something meanwhile.

use async_trait::async_trait;
use newton::bus::{CommandMessage, Middleware, Next};
use newton::prelude::*;
use newton::repository::{AnyOutcome, RetryPolicy};
use tokio::sync::watch;

use crate::bank::{AccountEvent, deposit, open};

/// Opens a vault in another service for everybody who opens an account, and a deposit of 7 there. That service is `vaults`, or what
/// stands in the owner's name behind an `@`.
#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(
    context = "remote",
    key = "owner",
    starts_on(AccountEvent::Opened),
    handles(AccountEvent, CommandFailed)
)]
pub struct Welcome {
    /// Whether a command was rejected, and why it failed.
    pub refused: Option<(bool, String)>,
}

const OF_VAULT: &str = "vault of ";

impl On<AccountEvent> for Welcome {
    fn on(&mut self, _: &AccountEvent, flow: &mut Flow) -> Result<()> {
        // Where both services share a store, vaults are accounts of it too.
        if !flow.key().starts_with(OF_VAULT) {
            let (owner, service) = flow.key().split_once('@').unwrap_or((flow.key(), "vaults"));
            let vault = format!("vault-{owner}");
            flow.send_to(service, &vault, open(&format!("{OF_VAULT}{owner}")));
            flow.send_to(service, &vault, deposit(7));
        }
        flow.end();
        Ok(())
    }
}

impl On<CommandFailed> for Welcome {
    fn on(&mut self, failed: &CommandFailed, _: &mut Flow) -> Result<()> {
        self.refused = Some((failed.rejected, failed.reason.clone()));
        Ok(())
    }
}

/// Retries for as long as a test takes.
pub fn for_ever() -> RetryPolicy {
    use std::time::Duration;

    RetryPolicy { attempts: u32::MAX, base: Duration::from_millis(1), longest: Duration::from_millis(20) }
}

/// Where a gate stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// Commands wait to be executed.
    Before,
    /// Commands are executed, and their answers wait.
    Behind,
}

/// Holds every command until it is opened.
#[derive(Clone, Debug)]
pub struct Gate {
    side: Side,
    reached: watch::Sender<u32>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// A closed gate.
    pub fn new(side: Side) -> Self {
        Self { side, reached: watch::Sender::new(0), open: watch::Sender::new(false) }
    }

    /// Waits until so many commands have come to it since it was made.
    pub async fn reached(&self, commands: u32) {
        // The sender is here.
        let _ = self.reached.subscribe().wait_for(|reached| *reached >= commands).await;
    }

    /// Lets all commands go on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    async fn hold(&self, side: Side) {
        if self.side == side {
            self.reached.send_modify(|reached| *reached += 1);
            let _ = self.open.subscribe().wait_for(|is_open| *is_open).await;
        }
    }
}

#[async_trait]
impl Middleware for Gate {
    async fn handle(&self, _: &CommandMessage<'_>, next: Next<'_>) -> AnyOutcome {
        self.hold(Side::Before).await;
        let outcome = next.run().await;
        self.hold(Side::Behind).await;
        outcome
    }
}
