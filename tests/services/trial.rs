//! What a trial is: a name, the services it needs, and what is tried with them.

use std::future::Future;

use libtest_mimic::{Completion, Failed, Trial};
use newton::testkit::contract::run;

use crate::service::{Service, required};

/// What is tried, given where each service is.
type Body = Box<dyn FnOnce(Places) + Send>;

/// A test that needs services.
pub(crate) struct ServiceTrial {
    needs: &'static [Service],
    name: String,
    body: Body,
}

impl ServiceTrial {
    /// A trial that fails by a panic of `body`.
    pub(crate) fn new<F: Future<Output = ()>>(
        needs: &'static [Service],
        name: impl Into<String>,
        body: impl FnOnce(Places) -> F + Send + 'static,
    ) -> Self {
        Self { needs, name: name.into(), body: Box::new(move |places| run(body(places))) }
    }

    /// For the harness: what it needs stands before its name, and without that it is ignored, or fails.
    pub(crate) fn into_trial(self) -> Trial {
        let Self { needs, name, body } = self;
        let kinds: Vec<_> = needs.iter().map(ToString::to_string).collect();
        let test = move || match Places::of(needs) {
            Ok(places) => {
                body(places);
                Ok(Completion::Completed)
            }
            Err(reason) if required() => Err(Failed::from(reason)),
            Err(reason) => Ok(Completion::ignored_with(reason)),
        };
        Trial::ignorable_test(name, test).with_kind(kinds.join(", "))
    }
}

/// Where the services are that a trial needs.
pub(crate) struct Places(Vec<(Service, String)>);

impl Places {
    fn of(needs: &[Service]) -> Result<Self, String> {
        needs.iter().map(|&service| Ok((service, service.place()?))).collect::<Result<_, _>>().map(Self)
    }

    /// The URL or the folder of a service that the trial has named as needed.
    pub(crate) fn of_service(&self, wanted: Service) -> &str {
        let found = self.0.iter().find(|(service, _)| *service == wanted);
        &found.expect("a service that the trial names as needed").1
    }
}

/// Runs on a runtime of its own, as `#[tokio::test]` would.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime for the trial").block_on(future)
}

/// A list of trials: each function named takes the [`Places`], and its name becomes the trial's.
///
/// `trials!([Service::RabbitMq], "amqp": [round_trip, reconnects])` makes `amqp::round_trip` and `amqp::reconnects`.
macro_rules! trials {
    ($needs:expr, $group:literal: [$($function:ident),* $(,)?]) => {
        vec![$(
            $crate::trial::ServiceTrial::new(&$needs, concat!($group, "::", stringify!($function)), $function)
        ),*]
    };
}
pub(crate) use trials;
