//! How an SQLite store is opened: as a plain struct, or as the options of a URL.

use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::store::Limits;

/// How an SQLite store is opened.
///
/// In a URL the fields are options of the same name: `sqlite://bank.db?synchronous=normal&readers=4`. Durations are
/// given in milliseconds.
///
/// ```
/// use newton::store::sqlite::{SqliteOptions, Synchronous};
///
/// let options = SqliteOptions { synchronous: Synchronous::Normal, ..SqliteOptions::default() };
/// assert_eq!(options, SqliteOptions::parse("synchronous=normal")?);
/// # Ok::<(), newton::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// What an acknowledged append survives.
    pub synchronous: Synchronous,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
    /// The most bytes of one event's payload.
    pub max_event_bytes: usize,
    /// The bytes of the page cache of the writer, and of each connection for short reads; a reading thread has a quarter.
    pub cache_bytes: usize,
    /// The number of reading threads, at least 1.
    pub readers: usize,
    /// The name of an SQLite VFS that the process has registered; `None` is the platform's own.
    pub vfs: Option<String>,
    /// The most pages of 4 KiB that the file may have.
    pub max_page_count: Option<u32>,
}

/// What an acknowledged append survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The end of the power: the log is synced before every acknowledgement.
    #[default]
    Full,
    /// The end of the process. The end of the power may take back the last appends, but leaves no half one.
    Normal,
    /// The end of the process. The end of the power may destroy the file: for data that can be made again.
    Off,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(5),
            max_event_bytes: Limits::default().event_bytes,
            cache_bytes: 64 * 1024 * 1024,
            readers: 2,
            vfs: None,
            max_page_count: None,
        }
    }
}

impl SqliteOptions {
    /// The names of all options.
    const NAMES: &'static str =
        "synchronous, busy_timeout, max_event_bytes, cache_bytes, readers, vfs, max_page_count";

    /// The options of a URL: what follows its `?`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for an unknown option or a value that cannot be read, naming it.
    pub fn parse(query: &str) -> Result<Self> {
        query.split('&').filter(|pair| !pair.is_empty()).try_fold(Self::default(), |options, pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            options.set(name, value)
        })
    }

    fn set(mut self, name: &str, value: &str) -> Result<Self> {
        match name {
            "synchronous" => self.synchronous = value.parse()?,
            "busy_timeout" => self.busy_timeout = Duration::from_millis(number(name, value)?),
            "max_event_bytes" => self.max_event_bytes = number(name, value)?,
            "cache_bytes" => self.cache_bytes = number(name, value)?,
            "readers" => self.readers = number::<usize>(name, value)?.max(1),
            "vfs" => self.vfs = Some(value.to_owned()),
            "max_page_count" => self.max_page_count = Some(number(name, value)?),
            _ => {
                let message = format!("SQLite has no option `{name}`; there are {}", Self::NAMES);
                return Err(invalid(message));
            }
        }
        Ok(self)
    }
}

impl FromStr for Synchronous {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "full" => Ok(Self::Full),
            "normal" => Ok(Self::Normal),
            "off" => Ok(Self::Off),
            _ => Err(invalid(format!("`synchronous={text}` is not known; use full, normal or off"))),
        }
    }
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T> {
    value.parse().map_err(|_| invalid(format!("`{name}={value}` is not a number in range; give one")))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Configuration, "open store", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_can_be_given_in_a_url() {
        let query = "synchronous=off&busy_timeout=20&max_event_bytes=7&cache_bytes=8&readers=0&vfs=x&max_page_count=9";
        let options = SqliteOptions {
            synchronous: Synchronous::Off,
            busy_timeout: Duration::from_millis(20),
            max_event_bytes: 7,
            cache_bytes: 8,
            readers: 1,
            vfs: Some("x".into()),
            max_page_count: Some(9),
        };
        assert_eq!(SqliteOptions::parse(query).unwrap(), options);
    }

    #[test]
    fn an_unknown_option_names_the_known_ones() {
        for (query, part) in
            [("sync=off", "max_page_count"), ("readers=x", "readers=x"), ("synchronous", "full")]
        {
            let error = SqliteOptions::parse(query).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
