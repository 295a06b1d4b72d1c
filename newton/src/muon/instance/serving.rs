//! The channels that others open to an instance.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::task::coop::unconstrained;

use super::tasks::TaskHandle;
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::shared::{SHARED_CHANNEL, Shared};
use crate::muon::channel::{ChannelEnd, deflate};
use crate::muon::codec::{Codecs, Limits};
use crate::muon::protocol::{Peer, ServerStack};
use crate::muon::transport::{Accepted, Listener};

/// What an instance serves.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) service: Arc<str>,
    pub(super) stacks: BTreeMap<&'static str, Arc<dyn ServerStack>>,
    pub(super) limits: Limits,
    pub(super) codecs: Codecs,
    pub(super) tasks: TaskHandle,
}

/// Serves what a transport's listener gives, until it ends.
pub(super) async fn accept_all(mut listener: Listener, served: Arc<Served>) {
    while let Some(accepted) = listener.accept().await {
        if &*accepted.protocol == SHARED_CHANNEL {
            tokio::spawn(share(accepted, served.clone()));
        } else {
            served.serve(accepted);
        }
    }
}

/// Serves the virtual channels of a shared one, until that ends or the instance finishes.
async fn share(accepted: Accepted, served: Arc<Served>) {
    // However many a peer opens at once: how many may be open is the limit.
    let (incoming, mut listener) = Listener::with_backlog(served.limits.shared_channels);
    let end = deflate(accepted.channel, &served.limits);
    let (service, limits, codecs) = (served.service.clone(), served.limits.clone(), served.codecs.clone());
    let shared = Shared::new(end, service, limits, codecs, Some(incoming));
    let mut finishing = std::pin::pin!(served.tasks.clone().finishing());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Some(accepted) => served.serve(accepted),
                None => break,
            },
            () = &mut finishing => break,
        }
    }
    drop(listener);
    // What is open keeps the shared channel until it ends.
    drop(shared);
}

impl Served {
    /// Serves a channel in a task of its own, which may begin here.
    fn serve(&self, accepted: Accepted) {
        let Accepted { protocol, origin, channel } = accepted;
        match self.stack(&protocol) {
            Ok((stack, slot)) => {
                let peer = Peer { local: self.service.clone(), origin };
                let keeps_order = stack.keeps_order();
                let mut serving = Box::pin(run(stack, channel, peer));
                if !keeps_order || !is_ended_by_beginning(serving.as_mut()) {
                    self.tasks.serve(slot, serving);
                }
            }
            Err(error) => {
                tracing::warn!(origin = origin.as_deref(), %error, "a channel was refused");
                channel.fail(error);
            }
        }
    }

    fn stack(&self, protocol: &str) -> Result<(Arc<dyn ServerStack>, tokio::sync::OwnedSemaphorePermit)> {
        let Some(stack) = self.stacks.get(protocol) else {
            let message = "the service does not serve this protocol; its introspection lists those it does";
            return Err(Error::new(ErrorKind::Unsupported, "serve", message).with("protocol", protocol));
        };
        let busy = || {
            Error::new(
                ErrorKind::Unavailable,
                "serve",
                "the service serves too many channels; try again later",
            )
        };
        Ok((stack.clone(), self.tasks.slot().ok_or_else(busy)?))
    }
}

/// Does the first step of serving a channel here and now, before that of the next one: tasks begin in any order.
fn is_ended_by_beginning(serving: Pin<&mut impl Future<Output = ()>>) -> bool {
    // A task's budget must not put off what its waker, whom nobody listens to yet, would go on with.
    let begin = || unconstrained(serving).now_or_never().is_some();
    // The hook has told of a panic, and the peer hears of it by the channel's end.
    catch_unwind(AssertUnwindSafe(begin)).unwrap_or(true)
}

async fn run(stack: Arc<dyn ServerStack>, channel: ChannelEnd, peer: Peer) {
    let sender = channel.sender().clone();
    let origin = peer.origin.clone();
    match stack.serve(channel, peer).await {
        Ok(()) => sender.close(),
        Err(error) => {
            tracing::warn!(protocol = stack.protocol(), origin = origin.as_deref(), %error, "a channel failed");
            sender.fail(error);
        }
    }
}
