//! What `#[derive(Projection)]` makes.

use crate::domain::{EventType, Fingerprint, Handler, HandlerError, RecordedEvent};
use crate::projection::View;

/// A read model. Derive it; see the `Projection` derive.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a projection",
    label = "add `#[derive(Projection)]` and `#[projection(handles(..))]` to `{Self}`"
)]
pub trait Projection: Handler {
    /// Its name, by which its place in the log is kept.
    const NAME: &'static str;

    /// What its data depends on: fields, event schemas, and the tokens of its handlers.
    const FINGERPRINT: Fingerprint;

    /// The event types it listens to.
    fn event_types() -> Vec<&'static EventType>;

    /// Decodes an event and gives it to the handler of its type; says whether there is one.
    ///
    /// # Errors
    /// The handler's, and where the event cannot be decoded.
    fn handle(
        &mut self,
        event: &RecordedEvent,
        context: &mut Self::Context<'_>,
    ) -> Result<bool, HandlerError>;
}

/// A projection that lives in memory: rebuilt at every start.
pub trait MemoryProjection: Projection + Default + for<'a> Handler<Context<'a> = View<'a>> {}

impl<P: Projection + Default + for<'a> Handler<Context<'a> = View<'a>>> MemoryProjection for P {}

/// A projection that lives in tables of an SQLite file.
///
/// ```
/// use newton::prelude::*;
///
/// #[derive(Event, Clone)]
/// enum AccountEvent {
///     Deposited { amount: u32 },
/// }
///
/// #[derive(Projection)]
/// #[projection(sqlite, handles(AccountEvent))]
/// struct Turnover;
///
/// impl Turnover {
///     fn setup(tx: &mut SqliteTables) -> Result<()> {
///         tx.execute("CREATE TABLE turnover (amount INTEGER NOT NULL)", [])?;
///         Ok(())
///     }
/// }
///
/// impl On<AccountEvent> for Turnover {
///     fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx) -> Result<()> {
///         let AccountEvent::Deposited { amount } = event;
///         tx.execute("INSERT INTO turnover (amount) VALUES (?1)", [amount])?;
///         Ok(())
///     }
/// }
///
/// assert_eq!(Turnover::event_types()[0].name, "AccountDeposited");
/// ```
#[cfg(feature = "sqlite")]
pub trait SqliteProjection:
    Projection + for<'a> Handler<Context<'a> = crate::projection::SqliteTx<'a>>
{
    /// Whether its tables are in the file of the events, instead of one of their own.
    const SHARED: bool;

    /// How long a handler may take for one event: then its SQL is interrupted, and the event parked.
    const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

    /// Builds it from what was provided: at the start, and again after a failure, with which its fields are lost.
    ///
    /// # Errors
    /// Where something was not provided.
    fn build(provided: &crate::subscription::Provided) -> crate::Result<Self>;

    /// Makes its tables: the user's `setup`, or nothing. It has another name, or it would be found where that is missing.
    ///
    /// # Errors
    /// The user's.
    fn make_tables(tx: &mut crate::projection::SqliteTables<'_>) -> Result<(), HandlerError>;

    /// The user's `flush`, or nothing: writes what the handlers held back in `self`, for writes that pay off in sets: called before each commit, which
    /// may be after one event or after thousands.
    ///
    /// # Errors
    /// The user's. The events of the transaction are then handled one by one, each with a flush of its own, to find the one
    /// that is to be parked.
    fn write_held(&mut self, _tx: &mut crate::projection::SqliteTables<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}
