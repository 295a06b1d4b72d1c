//! The queue of a service: whoever asks for a channel there is given one.
//!
//! attached -> broken -> attached again .. until nobody listens.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use lapin::Consumer;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::half_open::HalfOpen;
use super::handshake::{accept, asked, consume, service_queue, transient};
use super::{Broker, Inner};
use crate::error::Result;
use crate::muon::codec::{Codecs, Spoken};
use crate::muon::descriptor::Descriptor;
use crate::muon::transport::Incoming;

/// The wait before a queue is attached to again, and how far it grows.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often attaching is tried before that counts as a failure: a queue may just be going with its last consumer.
const TRIES: usize = 5;
/// Handshakes that wait at the broker for this instance.
const PREFETCH: u16 = 256;

pub(super) struct Listening {
    transport: Weak<Inner>,
    broker: Broker,
    service: Descriptor,
    incoming: Incoming,
    codecs: Codecs,
    /// For channels that are being accepted.
    slots: Arc<Semaphore>,
    half_open: Arc<HalfOpen>,
}

impl Listening {
    pub(super) fn new(
        transport: &Arc<Inner>,
        service: &Descriptor,
        incoming: &Incoming,
        codecs: &Codecs,
    ) -> Self {
        let slots = transport.options.handshakes.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            broker: transport.broker.clone(),
            transport: Arc::downgrade(transport),
            service: service.clone(),
            incoming: incoming.clone(),
            codecs: codecs.clone(),
            slots: Arc::new(Semaphore::new(slots)),
            half_open: Arc::new(HalfOpen::new(transport.options.half_open)),
        }
    }

    /// Listens in a task of its own.
    pub(super) async fn start(self) -> Result<JoinHandle<()>> {
        let attached = self.attach().await?;
        Ok(tokio::spawn(self.run(attached)))
    }

    async fn run(self, mut attached: Attached) {
        let mut wait = FIRST_WAIT;
        loop {
            tokio::select! {
                () = self.incoming.closed() => return attached.give_back().await,
                () = self.take_all(&mut attached) => {}
            }
            tracing::warn!(
                service = self.service.identifier,
                "the queue of a service was lost; it is attached to again"
            );
            attached = loop {
                match self.attach().await {
                    Ok(attached) => break attached,
                    Err(_) if self.incoming.is_closed() || self.transport.strong_count() == 0 => return,
                    Err(error) => tracing::warn!(%error, "the queue of a service cannot be attached to"),
                }
                tokio::select! {
                    () = self.incoming.closed() => return,
                    () = sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
                }
            };
            wait = FIRST_WAIT;
        }
    }

    async fn attach(&self) -> Result<Attached> {
        let mut tries = 1;
        loop {
            match self.try_attach().await {
                Err(_) if tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn try_attach(&self) -> Result<Attached> {
        let channel = self.broker.channel().await?;
        // So that an answer that nobody listens for comes back.
        let confirm = channel.confirm_select(ConfirmSelectOptions::default());
        confirm.await.map_err(|error| self.broker.failed(error))?;
        let mut consumers = Vec::new();
        let name = &self.service.identifier;
        let instance =
            self.service.instance_id.as_deref().map(|instance| service_queue(name, Some(instance)));
        for queue in [Some(service_queue(name, None)), instance].into_iter().flatten() {
            let declared = channel.queue_declare(queue.clone(), transient(), FieldTable::default()).await;
            declared.map_err(|error| self.broker.failed(error))?;
            consumers
                .push(consume(&channel, &queue, PREFETCH).await.map_err(|error| self.broker.failed(error))?);
        }
        Ok(Attached { channel, consumers: stream::select_all(consumers) })
    }

    async fn take_all(&self, attached: &mut Attached) {
        while let Some(Ok(delivery)) = attached.consumers.next().await {
            let Ok(slot) = self.slots.clone().acquire_owned().await else { return };
            // One that comes again after a broken connection finds its queues gone.
            let _ = delivery.acker.ack(BasicAckOptions::default()).await;
            self.take(&delivery, attached.channel.clone(), slot);
        }
    }

    /// Accepts what a delivery asks for, in a task of its own.
    fn take(&self, delivery: &Delivery, telling: lapin::Channel, slot: OwnedSemaphorePermit) {
        let asked = match asked(delivery) {
            Ok(asked) => asked,
            Err(error) => {
                return tracing::warn!(%error, service = self.service.identifier, "a handshake was ignored");
            }
        };
        let Some(transport) = self.transport.upgrade() else { return };
        let (broker, incoming, half_open) =
            (self.broker.clone(), self.incoming.clone(), self.half_open.clone());
        let (service, spoken) = (self.service.identifier.clone(), Spoken::to_unknown(self.codecs.clone()));
        tokio::spawn(async move {
            let accepted = accept(&broker, &telling, &transport.options, &service, asked, spoken).await;
            let outcome = accepted.and_then(|accepted| {
                transport.note(&accepted.channel)?;
                half_open.add(accepted.channel.sender());
                incoming.offer(accepted)
            });
            if let Err(error) = outcome {
                tracing::warn!(%error, service, "a channel was not accepted");
            }
            drop(slot);
        });
    }
}

/// The queues of a service, being read.
struct Attached {
    channel: lapin::Channel,
    consumers: stream::SelectAll<Consumer>,
}

impl Attached {
    async fn give_back(self) {
        // A broken connection has given back everything.
        let _ = self.channel.close(super::broker::GOOD_ORDER, "closed".into()).await;
    }
}
