//! From arguments to an instance of Muon, and to the tokens that open a closed store.

use std::fs;

use newton::muon::Muon;
#[cfg(feature = "amqp")]
use newton::muon::discovery::AmqpDiscovery;
use newton::muon::instance::Builder;
#[cfg(feature = "amqp")]
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use newton::server::Tokens;
use uuid::Uuid;

use crate::cli::Common;
use crate::exit::Trouble;
use crate::secret::SecretUrl;

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
    let Some(broker) = &common.amqp else {
        return Err(Trouble::usage(
            "no broker is named; give --amqp amqp://user:password@host, or put that into NEWTON_AMQP_URL",
        ));
    };
    over(broker, common, service)
}

#[cfg(feature = "amqp")]
fn over(broker: &SecretUrl, common: &Common, service: &str) -> Result<Builder, Trouble> {
    let (insecure, ca_file) = (common.insecure, common.ca_file.clone());
    let options = AmqpOptions { insecure, ca_file, ..AmqpOptions::default() };
    let transport = AmqpTransport::new(broker.secret(), options.clone())?;
    let discovery = AmqpDiscovery::new(broker.secret(), options)?;
    Ok(Muon::builder(service).transport(transport).discovery(discovery))
}

#[cfg(not(feature = "amqp"))]
fn over(broker: &SecretUrl, _: &Common, _: &str) -> Result<Builder, Trouble> {
    Err(Trouble::usage(format!("this `newton` was built without the feature `amqp`, which {broker} needs")))
}

/// The tokens that a server lets in; without a file everybody.
///
/// # Errors
/// A usage error where the file can't be read or holds none.
pub fn tokens(common: &Common) -> Result<Tokens, Trouble> {
    Ok(read_tokens(common)?.map(|(_, tokens)| tokens).unwrap_or_default())
}

/// The token that others are shown: the first of the file.
///
/// # Errors
/// As [`tokens`].
pub fn token(common: &Common) -> Result<Option<String>, Trouble> {
    let Some((text, _)) = read_tokens(common)? else { return Ok(None) };
    let mut lines = text.lines().map(str::trim);
    Ok(lines.find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned))
}

fn read_tokens(common: &Common) -> Result<Option<(String, Tokens)>, Trouble> {
    let Some(file) = &common.token_file else { return Ok(None) };
    let text = fs::read_to_string(file).map_err(|error| {
        Trouble::usage(format!("the file of --token-file, {}, can't be read: {error}", file.display()))
    })?;
    let tokens = Tokens::parse(&text).map_err(|error| error.with("file", file.display()))?;
    Ok(Some((text, tokens)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[cfg(feature = "amqp")]
    fn common(url: &str, insecure: bool) -> Common {
        Common { amqp: Some(url.to_owned().into()), insecure, ..Common::default() }
    }

    #[test]
    #[cfg(feature = "amqp")]
    fn passwords_leave_this_machine_encrypted() {
        let broker = |common: &Common| builder(common, "service");
        for url in ["amqps://u:p@broker.example/v", "amqp://u:p@localhost", "amqp://u:p@127.0.0.1:5672/"] {
            assert!(broker(&common(url, false)).is_ok(), "{url}");
        }
        for url in [
            "amqp://u:p@broker.example",
            "amqp://localhost@broker.example",
            "amqp://localhost:p@10.0.0.1",
            "amqp://localhost.example",
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
        let trouble = token(&common).unwrap_err();
        assert_eq!(trouble.exit, Exit::Usage);
        assert!(trouble.message.contains(&file.display().to_string()), "{}", trouble.message);
        assert_eq!(token(&Common::default()).unwrap(), None);
    }
}
