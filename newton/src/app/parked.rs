//! What the app's reactions could not handle, and what becomes of it.

use crate::app::App;
use crate::error::{ErrorKind, Result};
use crate::subscription::{Dropped, ParkedKey};

impl App {
    /// Every parked key of every reaction, with its events and the cause.
    ///
    /// # Errors
    /// Those of the stores.
    pub async fn parked(&self) -> Result<Vec<ParkedKey>> {
        let mut parked = Vec::new();
        for reaction in self.core.reactions.all() {
            parked.extend(reaction.parking().list().await?);
        }
        Ok(parked)
    }

    /// The parked keys of one reaction, sorted.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where this app does not run it, and those of the stores.
    pub async fn parked_of<T: 'static>(&self) -> Result<Vec<ParkedKey>> {
        self.core.reactions.of::<T>()?.parking().list().await
    }

    /// Tries the events of a parked key again, in order, up to the first that fails; gives how many were handled. A key
    /// that is not parked any more gives [`NotFound`](ErrorKind::NotFound).
    ///
    /// # Errors
    /// As [`parked_of`](Self::parked_of). That a handler failed again is none: the key stays parked with the new cause.
    pub async fn retry_parked<T: 'static>(&self, key: &str) -> Result<usize> {
        let _inside = self.core.gate.enter()?;
        self.core.reactions.of::<T>()?.parking().retry(key).await
    }

    /// Tries the events of all parked keys of a reaction again, key by key; gives how many were handled.
    ///
    /// # Errors
    /// As [`retry_parked`](Self::retry_parked).
    pub async fn retry_all_parked<T: 'static>(&self) -> Result<usize> {
        let mut handled = 0;
        for parked in self.parked_of::<T>().await? {
            handled += match self.retry_parked::<T>(&parked.key).await {
                // Somebody else has settled it meanwhile.
                Err(error) if *error.kind() == ErrorKind::NotFound => 0,
                outcome => outcome?,
            };
        }
        Ok(handled)
    }

    /// Gives up the first event of a parked key, for a reason that is kept, and then tries the later ones.
    ///
    /// # Errors
    /// As [`retry_parked`](Self::retry_parked).
    pub async fn drop_parked<T: 'static>(&self, key: &str, reason: &str) -> Result<()> {
        let _inside = self.core.gate.enter()?;
        self.core.reactions.of::<T>()?.parking().drop_first(key, reason).await
    }

    /// What was given up of a reaction, and why.
    ///
    /// # Errors
    /// As [`parked_of`](Self::parked_of).
    pub async fn dropped<T: 'static>(&self) -> Result<Vec<Dropped>> {
        self.core.reactions.of::<T>()?.parking().dropped().await
    }

    /// Has a reaction that waits after a failure try again now, instead of when its wait is over: one that is run again, one
    /// that is paused because of an outage, a segment, an event of a domain service, a command of a saga. Does nothing to
    /// one that does not wait.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where this app does not run it.
    pub fn resume<T: 'static>(&self) -> Result<()> {
        self.core.reactions.resume::<T>()
    }
}
