//! The services that are known, and how they change.

use std::pin::pin;

use futures_util::future::select_all;
use tokio::sync::watch;

use crate::muon::descriptor::Descriptor;

/// What an implementation of discovery keeps the services in that it knows.
#[derive(Debug, Default)]
pub struct Directory {
    services: watch::Sender<Vec<Descriptor>>,
}

/// The services that are known: now, and as they change.
#[derive(Clone, Debug)]
pub struct Services {
    sources: Vec<watch::Receiver<Vec<Descriptor>>>,
}

impl Directory {
    /// Puts an instance in, or replaces what is known of it.
    pub fn insert(&self, service: &Descriptor) {
        self.services.send_if_modified(|services| {
            match services.iter_mut().find(|known| known.is_same_instance(service)) {
                Some(known) if known == service => return false,
                Some(known) => known.clone_from(service),
                None => services.push(service.clone()),
            }
            true
        });
    }

    /// Takes an instance out.
    pub fn remove(&self, service: &Descriptor) {
        self.retain(|known| !known.is_same_instance(service));
    }

    /// Takes out all but those that `keep` holds for.
    pub fn retain(&self, keep: impl FnMut(&Descriptor) -> bool) {
        self.services.send_if_modified(|services| {
            let before = services.len();
            services.retain(keep);
            services.len() != before
        });
    }

    /// What others see of it.
    pub fn services(&self) -> Services {
        Services { sources: vec![self.services.subscribe()] }
    }
}

impl Services {
    /// Those of several sources.
    pub fn merged(several: impl IntoIterator<Item = Self>) -> Self {
        Self { sources: several.into_iter().flat_map(|services| services.sources).collect() }
    }

    /// Every known instance, once. What several sources say of one instance is joined, the earlier source first.
    pub fn current(&self) -> Vec<Descriptor> {
        self.joined(|_| true)
    }

    /// The known instances of a service, without a look at what is said of others.
    pub(super) fn named(&self, service: &str) -> Vec<Descriptor> {
        self.joined(|known| known.identifier == service)
    }

    fn joined(&self, is_wanted: impl Fn(&Descriptor) -> bool) -> Vec<Descriptor> {
        let mut all: Vec<Descriptor> = Vec::new();
        for source in &self.sources {
            for service in source.borrow().iter().filter(|known| is_wanted(known)) {
                match all.iter_mut().find(|known| known.is_same_instance(service)) {
                    Some(known) => join(known, service),
                    None => all.push(service.clone()),
                }
            }
        }
        all
    }

    /// Returns once something has changed since the last call; never once all sources have ended. It is cancel-safe.
    pub async fn changed(&mut self) {
        loop {
            self.sources.retain(|source| source.has_changed().is_ok());
            if self.sources.is_empty() {
                return std::future::pending().await;
            }
            let changes = self.sources.iter_mut().map(|source| Box::pin(source.changed()));
            if pin!(select_all(changes)).await.0.is_ok() {
                return;
            }
        }
    }
}

fn join(known: &mut Descriptor, other: &Descriptor) {
    let lists = [
        (&mut known.connection_urls, &other.connection_urls),
        (&mut known.tags, &other.tags),
        (&mut known.codecs, &other.codecs),
        (&mut known.capabilities, &other.capabilities),
    ];
    for (own, others) in lists {
        for text in others {
            if !own.contains(text) {
                own.push(text.clone());
            }
        }
    }
}
