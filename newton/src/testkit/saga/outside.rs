//! What stands in for the aggregates that a saga sends its commands to: it takes them down, and rejects those it is told to.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use crate::domain::{AggregateId, AnyRejection, Command, Version};
use crate::repository::{AnyOutcome, Dispatch, ExecuteError, Order, Receipt};
use crate::sync::lock;
use crate::testkit::Faults;

/// A command that was sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) target: String,
    pub(super) name: String,
    pub(super) json: String,
}

/// Says why a command is rejected, by its name and payload; `None` where it is not.
pub(super) type Rule = Arc<dyn Fn(&str, &[u8]) -> Option<String> + Send + Sync>;

/// The outside world, whichever process asks it. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Outside(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Each command once, however often it was sent.
    sent: Vec<Sent>,
    rules: Vec<Rule>,
}

impl Outside {
    /// The commands so far, in the order in which each was sent first.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.inner().sent.clone()
    }

    /// Rejects by a rule too, from now on. The latest that has something to say is followed.
    pub(super) fn rule(&self, rule: Rule) {
        self.inner().rules.push(rule);
    }

    /// As a process with these faults sees it.
    pub(super) fn seen_with(&self, faults: &Faults) -> Arc<dyn Dispatch> {
        Arc::new(Seen { outside: self.clone(), faults: faults.clone() })
    }

    /// Takes a command down; says why it is rejected, if it is.
    fn take(&self, name: &str, target: &AggregateId, payload: &[u8], order: &Order) -> Option<String> {
        let mut inner = self.inner();
        let id = order.command_id.to_string();
        if !inner.sent.iter().any(|sent| sent.id == id) {
            let json = String::from_utf8_lossy(payload).into_owned();
            inner.sent.push(Sent { id, target: target.to_string(), name: name.to_owned(), json });
        }
        inner.rules.iter().rev().find_map(|rule| rule(name, payload))
    }

    /// It is whole whenever its lock is free.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.0)
    }
}

/// A rule for the commands of one type.
pub(super) fn rule_of<C: Command>(reject: impl Fn(&C) -> Option<String> + Send + Sync + 'static) -> Rule {
    Arc::new(move |name, payload| {
        let command = C::decode(C::index_of(name)?, payload).ok()?;
        reject(&command)
    })
}

/// The outside world as one process sees it.
struct Seen {
    outside: Outside,
    faults: Faults,
}

#[async_trait]
impl Dispatch for Seen {
    async fn dispatch(
        &self,
        _: Option<&str>,
        name: &str,
        target: AggregateId,
        payload: &[u8],
        order: Order,
    ) -> AnyOutcome {
        let taken = async { Ok(self.outside.take(name, &target, payload, &order)) };
        match self.faults.run("dispatch", taken).await? {
            Some(reason) => Err(ExecuteError::Rejected(AnyRejection::new(Refused(reason)))),
            None => Ok(Receipt::nothing(&order, Version::EMPTY)),
        }
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("faults", &self.faults).finish_non_exhaustive()
    }
}

/// A rejection that a test plays.
#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}
