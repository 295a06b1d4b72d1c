//! Whose word is taken for who a broker is, and what to do about a broker that is not believed.

use std::fs;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// How a certificate begins in PEM.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// The certificates in a file, in PEM.
pub(super) fn read(file: &Path) -> Result<String> {
    let wrong = |message: &str| {
        Error::new(ErrorKind::Configuration, "read certificates", message).with("file", file.display())
    };
    let text = fs::read_to_string(file)
        .map_err(|error| wrong("the file of authorities cannot be read").caused_by(error))?;
    if text.contains(CERTIFICATE) {
        return Ok(text);
    }
    Err(wrong("the file holds no certificate in PEM; give the one of the authority that signed the broker's"))
}

/// What to do about it, where a broker's certificate is why there is no connection.
#[cfg(feature = "amqps")]
pub(super) fn refusal(error: &lapin::Error) -> Option<String> {
    use rustls::CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
    };

    let lapin::ErrorKind::IOError(error) = error.kind() else { return None };
    let rustls::Error::InvalidCertificate(wrong) = error.get_ref()?.downcast_ref()? else { return None };
    let advice = match wrong {
        UnknownIssuer => {
            "have the machine trust the authority that signed it, or give that one's certificate: `AmqpOptions::ca_file`, `?ca=` in the URL \
             of a store, `--ca-file`"
        }
        NotValidForName | NotValidForNameContext { .. } => {
            "connect by a name that the certificate is for, or give the broker one for this name"
        }
        Expired | ExpiredContext { .. } => "give the broker a new one, or set the clock of this machine",
        _ => "give the broker another one",
    };
    Some(format!("the broker's certificate is refused: {wrong}; {advice}"))
}

#[cfg(not(feature = "amqps"))]
pub(super) fn refusal(_: &lapin::Error) -> Option<String> {
    None
}
