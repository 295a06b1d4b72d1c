//! What reactions could not handle: listed, tried again, given up.

use crate::app::App;
use crate::error::Result;
use crate::subscription::ParkedKey;

impl App {
    /// The keys whose events a projection, saga or event handler has set aside, with causes and events.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) where it is not in this app's registry, and the store's.
    pub async fn parked_of<T: 'static>(&self) -> Result<Vec<ParkedKey>> {
        self.reaction::<T>()?.parking().list().await
    }

    /// Tries the events of a parked key again, in order, up to the first that fails; gives how many were handled.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) where no such key is parked, and as [`parked_of`](Self::parked_of).
    pub async fn retry_parked<T: 'static>(&self, key: &str) -> Result<usize> {
        self.reaction::<T>()?.parking().retry(key).await
    }

    /// Gives up the first event of a parked key, for a reason that is kept, and then tries the later ones.
    ///
    /// # Errors
    /// As [`retry_parked`](Self::retry_parked).
    pub async fn drop_parked<T: 'static>(&self, key: &str, reason: &str) -> Result<()> {
        self.reaction::<T>()?.parking().drop_first(key, reason).await
    }
}
