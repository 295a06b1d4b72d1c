//! What reactions could not handle: looking at it, trying it again, giving it up.

use std::any::type_name;

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::subscription::{Dropped, ParkedKey, Parking};

impl App {
    /// What a projection, saga or event handler could not handle: every parked key with its events, their payloads and
    /// why they failed.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where `R` is not registered, and the store's.
    pub async fn parked_of<R: 'static>(&self) -> Result<Vec<ParkedKey>> {
        self.parking::<R>()?.list().await
    }

    /// Tries the events of a parked key again, in order, up to the first that fails; gives how many were handled. Once all
    /// are, the key goes on with what comes.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) where the key is not parked, and as [`parked_of`](Self::parked_of).
    pub async fn retry_parked<R: 'static>(&self, key: &str) -> Result<usize> {
        self.parking::<R>()?.retry(key).await
    }

    /// Tries every parked key again, each up to its first event that fails; gives how many events were handled.
    ///
    /// # Errors
    /// As [`parked_of`](Self::parked_of).
    pub async fn retry_all_parked<R: 'static>(&self) -> Result<usize> {
        let parking = self.parking::<R>()?;
        let mut handled = 0;
        for key in parking.list().await? {
            match parking.retry(&key.key).await {
                Ok(count) => handled += count,
                // Somebody else was faster.
                Err(error) if *error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(handled)
    }

    /// Gives up the first event of a parked key, and tries the later ones. The event and the reason stay listed in
    /// [`dropped`](Self::dropped).
    ///
    /// # Errors
    /// As [`retry_parked`](Self::retry_parked).
    pub async fn drop_parked<R: 'static>(&self, key: &str, reason: &str) -> Result<()> {
        self.parking::<R>()?.drop_first(key, reason).await
    }

    /// What was given up, and why.
    ///
    /// # Errors
    /// As [`parked_of`](Self::parked_of).
    pub async fn dropped<R: 'static>(&self) -> Result<Vec<Dropped>> {
        self.parking::<R>()?.dropped().await
    }

    fn parking<R: 'static>(&self) -> Result<&dyn Parking> {
        let reaction = self.core.reactions.of::<R>();
        reaction.map(|reaction| reaction.parking()).ok_or_else(|| {
            let message =
                format!("`{}` is no reaction of this app; add it to its registry", type_name::<R>());
            Error::new(ErrorKind::Configuration, "find reaction", message)
        })
    }
}
