//! Stages that other services submit to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::{Outline, Peer, ServerStack, step};
use super::{ACCEPTED, PROTOCOL, REFUSED, Refused, SUBMIT, Stage, Submitted};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::ChannelEnd;
use crate::muon::message::{Message, Status};

type Submit = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Lets other services submit to stages of this one.
#[derive(Clone, Default)]
pub struct SedaServer {
    stages: BTreeMap<String, Submit>,
}

impl SedaServer {
    /// A server without stages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets others submit to a stage, by its name.
    #[must_use]
    pub fn stage<T: DeserializeOwned + Send + 'static>(mut self, stage: Stage<T>) -> Self {
        let name = stage.name().to_owned();
        let submit: Submit = Arc::new(move |item| {
            let stage = stage.clone();
            Box::pin(async move { stage.submit(parse(item)?).await })
        });
        self.stages.insert(name, submit);
        self
    }

    async fn submit(&self, message: &Message) -> Result<()> {
        let Submitted { stage, item } = step::parse(message)?;
        let Some(submit) = self.stages.get(&stage) else {
            let text = "the service has no such stage; its introspection lists what it has";
            return Err(Error::new(ErrorKind::NotFound, "submit", text).with("stage", stage));
        };
        submit(item).await
    }
}

fn parse<T: DeserializeOwned>(item: Value) -> Result<T> {
    serde_json::from_value(item).map_err(|error| {
        let message = format!("the item is not what the stage asks for: {error}");
        Error::new(ErrorKind::InvalidInput, "submit", message)
    })
}

#[async_trait]
impl ServerStack for SedaServer {
    fn protocol(&self) -> &'static str {
        PROTOCOL
    }

    fn outline(&self) -> Outline {
        let outline = Outline::new(PROTOCOL, "Stages", "Takes items into stages, as fast as these work");
        self.stages.keys().fold(outline, |outline, stage| outline.with(stage, ""))
    }

    async fn serve(&self, mut channel: ChannelEnd, _: Peer) -> Result<()> {
        while let Some(message) = channel.recv().await? {
            if message.step != SUBMIT {
                return Err(step::unexpected(&message));
            }
            // The next item is read only when this one is in: that is how a full stage pushes back.
            let answer = match self.submit(&message).await {
                Ok(()) => message.answer(ACCEPTED, &b"{}"[..]).with_status(Status::Success),
                Err(error) => {
                    let refused = step::json(&Refused { error: error.to_string() });
                    message.answer(REFUSED, refused).with_status(Status::Failure)
                }
            };
            channel.send(answer).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for SedaServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SedaServer").field("stages", &self.stages.keys()).finish()
    }
}
