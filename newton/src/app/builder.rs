//! Putting an app together.

use std::any::TypeId;
#[cfg(feature = "muon")]
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::start::{self, Parts};
use crate::bus::Middleware;
use crate::domain::{Clock, Name, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::{Register, Registry};
use crate::repository::{RetryPolicy, Settings, SnapshotPolicy};
use crate::service::EventHandler;
use crate::store::{Stores, open};
use crate::subscription::{HandlerPolicies, HandlerPolicy, Node, Provided};

/// Puts an app together: a store, and where the defaults do not fit, the rest.
///
/// ```no_run
/// # async fn example() -> newton::Result<()> {
/// let app = newton::Newton::builder().store("sqlite://bank.db").service("bank").start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "call `start` to run it"]
pub struct Builder {
    store: Option<Source>,
    registry: Option<Registry>,
    parts: Parts,
}

/// Where the stores come from.
enum Source {
    Url(String),
    Stores(Stores),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The rest may hold a password.
            Self::Url(url) => write!(f, "Url({}:..)", url.split(':').next().unwrap_or_default()),
            Self::Stores(stores) => stores.fmt(f),
        }
    }
}

impl Default for Builder {
    fn default() -> Self {
        let settings = Settings { service: program_name(), ..Settings::default() };
        let parts = Parts {
            clock: Arc::new(SystemClock),
            settings,
            middleware: Vec::new(),
            provided: Provided::default(),
            handler_policies: HandlerPolicies::default(),
            projections: None,
            lease_term: Node::TERM,
            rebuild_changed: false,
            command_retry: COMMAND_RETRY,
            #[cfg(feature = "muon")]
            services: None,
            #[cfg(feature = "muon")]
            elsewhere: BTreeMap::new(),
            dispatch: None,
        };
        Self { store: None, registry: None, parts }
    }
}

/// Lasts about two minutes.
const COMMAND_RETRY: RetryPolicy =
    RetryPolicy { attempts: 12, base: Duration::from_millis(50), longest: Duration::from_secs(30) };

impl Builder {
    /// Keeps everything in the store of this URL: see [`open`](crate::store::open()).
    pub fn store(self, url: impl Into<String>) -> Self {
        Self { store: Some(Source::Url(url.into())), ..self }
    }

    /// Keeps everything in stores that are open already.
    pub fn stores(self, stores: Stores) -> Self {
        Self { store: Some(Source::Stores(stores)), ..self }
    }

    /// Works with the types of this registry, instead of all that are linked into the program.
    pub fn registry(self, registry: Registry) -> Self {
        Self { registry: Some(registry), ..self }
    }

    /// Works with these types only: a derived type, or a tuple of some.
    pub fn only<T: Register>(self) -> Self {
        self.registry(Registry::empty().add::<T>())
    }

    /// Works without these types: a derived type, or a tuple of some.
    pub fn without<T: Register>(self) -> Self {
        let registry = self.registry.unwrap_or_else(Registry::discovered).remove::<T>();
        Self { registry: Some(registry), ..self }
    }

    /// Names this service in its events' metadata; by default the name of the program's file.
    pub fn service(mut self, name: impl Into<Name>) -> Self {
        self.parts.settings.service = name.into();
        self
    }

    /// Asks this clock for the time.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.parts.clock = Arc::new(clock);
        self
    }

    /// Decides conflicting commands again by this policy.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.parts.settings.retry = policy;
        self
    }

    /// Takes snapshots by this policy, for aggregates that do not say themselves.
    pub fn snapshots(mut self, policy: SnapshotPolicy) -> Self {
        self.parts.settings.snapshots = policy;
        self
    }

    /// Checks one in so many uses of a snapshot by a full refold in the background; 0 never does.
    pub fn audit_snapshots_every(mut self, uses: u64) -> Self {
        self.parts.settings.audit_every = uses;
        self
    }

    /// Records commands that an aggregate rejected, so that [`App::causality`] shows them, with the reason: see
    /// [`causality`](crate::causality). Off by default, for then a rejection costs an append; what sagas send is recorded
    /// by them in any case.
    pub fn record_rejections(mut self, record: bool) -> Self {
        self.parts.settings.record_rejections = record;
        self
    }

    /// Keeps the folded state of at most so many aggregates of each type in memory; 0 keeps none.
    pub fn cached_aggregates(mut self, count: usize) -> Self {
        self.parts.settings.cached_aggregates = count;
        self
    }

    /// Shows every command to a middleware before its aggregate; the first added is the outermost.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.parts.middleware.push(Arc::new(middleware));
        self
    }

    /// Gives a value to the handlers that have a field of its type, such as a mail client; they get clones.
    pub fn provide<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.parts.provided.insert(value);
        self
    }

    /// Gives these values to the handlers, in place of earlier ones.
    #[cfg(feature = "testkit")]
    pub(crate) fn provided(mut self, provided: Provided) -> Self {
        self.parts.provided = provided;
        self
    }

    /// Tries failing event handlers by this policy.
    pub fn handlers(mut self, policy: HandlerPolicy) -> Self {
        self.parts.handler_policies.default = policy;
        self
    }

    /// Tries one event handler by a policy of its own.
    pub fn handler<H: EventHandler>(mut self, policy: HandlerPolicy) -> Self {
        self.parts.handler_policies.own.insert(TypeId::of::<H>(), policy);
        self
    }

    /// Keeps the files of durable projections in this folder. By default it is beside the event file, named after it
    /// with `.projections`; where the events are in memory, the files last as long as the app.
    pub fn projections_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.parts.projections = Some(folder.into());
        self
    }

    /// How long this app may show no sign of life before others take over what it runs alone; 3 seconds by default, at
    /// least 100 milliseconds. It renews its leases three times in that time, all by one write. Whether its process has
    /// ended is seen at once by others on the same machine.
    pub fn lease_term(mut self, term: Duration) -> Self {
        self.parts.lease_term = term;
        self
    }

    /// Rebuilds durable projections whose code has changed, beside the live data, without being asked. Otherwise the new
    /// code goes on with the old data, the start warns, and [`App::changed_projections`] names them.
    pub fn rebuild_changed(mut self, rebuild: bool) -> Self {
        self.parts.rebuild_changed = rebuild;
        self
    }

    /// Sends a saga's command again by this policy where it could not be executed; a rejection is never tried again. By
    /// default 12 attempts within about two minutes.
    pub fn retry_saga_commands(mut self, policy: RetryPolicy) -> Self {
        self.parts.command_retry = policy;
        self
    }

    /// Reaches other services by this instance of Muon: the commands that sagas send to them by
    /// [`send_to`](crate::saga::Flow::send_to).
    #[cfg(feature = "muon")]
    pub fn muon(mut self, muon: crate::muon::Muon) -> Self {
        self.parts.services = Some(super::dispatch::Services { muon, auth: None });
        self
    }

    /// Reaches other services as [`muon`](Self::muon) does, and shows them who asks.
    #[cfg(feature = "muon")]
    pub fn muon_as(mut self, muon: crate::muon::Muon, auth: impl Into<serde_json::Value>) -> Self {
        self.parts.services = Some(super::dispatch::Services { muon, auth: Some(auth.into()) });
        self
    }

    /// Leaves aggregates to another service, which [exposes](crate::App::expose) them: a derived type, or a tuple of some. The commands
    /// that sagas send to them by [`send`](crate::saga::Flow::send) go there, so that domain code does not know where they are. Needs
    /// [`muon`](Self::muon).
    #[cfg(feature = "muon")]
    pub fn elsewhere<T: Register>(mut self, service: impl Into<Name>) -> Self {
        let (left, service) = (Registry::empty().add::<T>(), service.into());
        let commands = left.command_families().iter().flat_map(|family| family.types);
        self.parts.elsewhere.extend(commands.map(|command| (command.name, service.clone())));
        self.without::<T>()
    }

    /// Gives the commands of sagas to somebody else than this app's aggregates.
    #[cfg(feature = "testkit")]
    pub(crate) fn dispatch(mut self, dispatch: Arc<dyn crate::repository::Dispatch>) -> Self {
        self.parts.dispatch = Some(dispatch);
        self
    }

    /// Opens the store, checks that program and log fit each other, and runs.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where no store was given or a name is registered twice,
    /// [`UnknownType`](ErrorKind::UnknownType) where the log of a registered aggregate has an event type that the program
    /// does not know, [`Unsupported`](ErrorKind::Unsupported) where an aggregate has unique fields and the store cannot
    /// append to several streams at once, and the errors of opening the store.
    pub async fn start(self) -> Result<App> {
        let registry = self.registry.unwrap_or_else(Registry::discovered);
        registry.validate()?;
        let stores = match self.store {
            Some(Source::Url(url)) => open(&url).await?,
            Some(Source::Stores(stores)) => stores,
            None => {
                let message =
                    "no store was given; call `.store(\"sqlite://app.db\")` or `.store(\"memory:\")`";
                return Err(Error::new(ErrorKind::Configuration, "start", message));
            }
        };
        start::run(registry, stores, self.parts).await
    }
}

/// The name of the running program's file, without its ending.
fn program_name() -> Name {
    let path = std::env::current_exe().ok();
    let stem = path.as_deref().and_then(|path| path.file_stem()).and_then(|stem| stem.to_str());
    stem.map_or(Name::from_static("newton"), Name::from)
}
