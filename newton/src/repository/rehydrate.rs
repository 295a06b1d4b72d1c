//! From a snapshot and the events behind it to a state.

use crate::domain::{Aggregate, StreamName, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::Environment;
use crate::repository::fold::Fold;
use crate::store::{EventStore, Load};

/// The events of one page: enough to make the cost of a page small, few enough to keep it bounded.
const PAGE: usize = 1_024;

/// Brings a state up to the end of its stream.
///
/// A state ahead of its stream, say of a store that was restored from a backup, begins again.
pub(crate) async fn catch_up<A: Aggregate>(
    fold: &mut Fold<A>,
    stream: &StreamName,
    environment: &Environment,
) -> Result<()> {
    loop {
        let load = Load { stream: stream.clone(), after: fold.version, limit: PAGE };
        let slice = environment.events.load(load).await?;
        if slice.deleted {
            return Err(Error::deleted("load", stream));
        }
        if slice.version < fold.version {
            *fold = Fold { epoch: fold.epoch, ..Fold::default() };
            continue;
        }
        fold.extend(stream, &slice.events)?;
        if fold.version >= slice.version {
            return Ok(());
        }
        if slice.events.is_empty() {
            return Err(gap(stream, fold.version));
        }
    }
}

/// The state as of `version`, from a state at or before it. Tombstones do not hide history.
pub(crate) async fn fold_up_to<A: Aggregate>(
    mut fold: Fold<A>,
    version: Version,
    stream: &StreamName,
    events: &dyn EventStore,
) -> Result<Fold<A>> {
    while fold.version < version {
        let missing = usize::try_from(version.0 - fold.version.0).unwrap_or(PAGE).min(PAGE);
        let load = Load { stream: stream.clone(), after: fold.version, limit: missing };
        let slice = events.load(load).await?;
        if slice.version < version {
            let message = format!("there is no version {version}; the last one is {}", slice.version);
            return Err(Error::new(ErrorKind::NotFound, "load", message).with("stream", stream));
        }
        if slice.events.is_empty() {
            return Err(gap(stream, fold.version));
        }
        fold.extend(stream, &slice.events)?;
    }
    Ok(fold)
}

fn gap(stream: &StreamName, version: Version) -> Error {
    let message = format!("the events behind version {version} are missing; verify the store");
    Error::new(ErrorKind::Corrupt, "load", message).with("stream", stream)
}
