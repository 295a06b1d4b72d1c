//! From arguments to an instance of Muon: the broker, and who may be told what.

use std::fs;
use std::net::IpAddr;

use newton::muon::Muon;
use newton::muon::descriptor::{url_scheme, url_without_credentials};
use newton::muon::instance::Builder;
use newton::server::Tokens;
use uuid::Uuid;

use crate::cli::{BrokerUrl, Common};
use crate::exit::Trouble;

/// An instance that only asks others, under a name of its own.
///
/// # Errors
/// Where no broker is named, it must not be used so, or it can't be reached.
pub async fn client(common: &Common) -> Result<Muon, Trouble> {
    let name = format!("newton-cli-{}", Uuid::new_v4().simple());
    Ok(builder(common, &name)?.start().await?)
}

/// The parts of an instance that stands on the broker.
///
/// # Errors
/// A usage error where no broker is named or it must not be used so.
pub fn builder(common: &Common, service: &str) -> Result<Builder, Trouble> {
    let broker = broker(common)?;
    over(broker, service)
}

fn over(broker: &BrokerUrl, _: &str) -> Result<Builder, Trouble> {
    Err(Trouble::usage(format!("this `newton` was built without the feature `amqp`, which {broker} needs")))
}

/// The tokens that a server lets in; without a file everybody.
///
/// # Errors
/// A usage error where the file can't be read or holds none.
pub fn tokens(common: &Common) -> Result<Tokens, Trouble> {
    match token_text(common)? {
        Some(text) => Ok(Tokens::parse(&text)?),
        None => Ok(Tokens::default()),
    }
}

/// The token that others are shown: the first of the file.
///
/// # Errors
/// As [`tokens`].
pub fn token(common: &Common) -> Result<Option<String>, Trouble> {
    let Some(text) = token_text(common)? else { return Ok(None) };
    Tokens::parse(&text)?;
    let mut lines = text.lines().map(str::trim);
    Ok(lines.find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned))
}

fn token_text(common: &Common) -> Result<Option<String>, Trouble> {
    let Some(file) = &common.token_file else { return Ok(None) };
    let unreadable = |error| {
        Trouble::usage(format!("the file of --token-file, {}, can't be read: {error}", file.display()))
    };
    fs::read_to_string(file).map(Some).map_err(unreadable)
}

/// The broker that may be used.
fn broker(common: &Common) -> Result<&BrokerUrl, Trouble> {
    let Some(broker) = &common.amqp else {
        return Err(Trouble::usage(
            "no broker is named; give --amqp amqp://user:password@host, or put that into NEWTON_AMQP_URL",
        ));
    };
    match url_scheme(broker.secret()) {
        "amqps" => Ok(broker),
        "amqp" if common.insecure || is_loopback(broker.secret()) => Ok(broker),
        "amqp" => Err(Trouble::usage(format!(
            "{broker} is another machine, and amqp:// sends the password and every event unencrypted; use amqps://, or allow it by \
             --insecure"
        ))),
        _ => Err(Trouble::usage(format!(
            "{broker} is no broker; write amqp://user:password@host or amqps://.."
        ))),
    }
}

/// Whether a URL leads to this machine.
fn is_loopback(url: &str) -> bool {
    let url = url_without_credentials(url);
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or(bracketed),
        None => authority.split(':').next().unwrap_or(authority),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn common(url: &str, insecure: bool) -> Common {
        Common { amqp: Some(url.to_owned().into()), insecure, ..Common::default() }
    }

    #[test]
    fn passwords_leave_this_machine_encrypted() {
        for url in [
            "amqps://u:p@broker.example/v",
            "amqp://u:p@localhost",
            "amqp://u:p@127.0.0.1:5672/",
            "amqp://u:p@[::1]:5672/v",
        ] {
            assert!(broker(&common(url, false)).is_ok(), "{url}");
        }
        for url in [
            "amqp://u:p@broker.example",
            "amqp://localhost@broker.example",
            "amqp://localhost:p@10.0.0.1",
            "amqp://localhost.example",
            "amqp://[fe80::1]",
            "amqp://u:a/b@broker",
        ] {
            let trouble = broker(&common(url, false)).unwrap_err();
            assert_eq!(trouble.exit, Exit::Usage, "{url}");
            assert!(!trouble.message.contains(":p@"), "{}", trouble.message);
            assert!(broker(&common(url, true)).is_ok(), "{url}");
        }
        assert!(broker(&common("http://localhost", true)).is_err());
        assert!(broker(&Common::default()).is_err());
    }

    #[test]
    fn the_first_token_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        let common = Common { token_file: Some(file.clone()), ..Common::default() };
        assert_eq!(token(&common).unwrap_err().exit, Exit::Usage);
        fs::write(&file, "# shop\n one \ntwo\n").unwrap();
        assert_eq!(token(&common).unwrap().as_deref(), Some("one"));
        assert!(tokens(&common).unwrap().admit("emit", Some("two")).is_ok());
        fs::write(&file, "# none\n").unwrap();
        assert!(token(&common).is_err());
        assert_eq!(token(&Common::default()).unwrap(), None);
    }
}
