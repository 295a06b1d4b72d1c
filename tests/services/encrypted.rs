//! Encrypted connections to the broker: it is believed only by a certificate for its name, from an authority that is trusted.

use std::process::Stdio;

use newton::store::{Stores, open};
use newton::{Error, ErrorKind};
use tempfile::TempDir;

use crate::amqp::guarded;
use crate::command_line::{newton, text};
use crate::service::{Service, authority};
use crate::trial::{Places, ServiceTrial, trials};
use crate::urls::{assert_open, published};

pub(crate) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq, Service::Encrypted], "encrypted": [
        a_store_is_reached_over_an_encrypted_connection,
        a_certificate_of_an_unknown_authority_is_refused,
        a_certificate_for_another_name_is_refused,
        a_file_without_certificates_is_refused,
        the_command_line_checks_the_certificate,
    ])
}

/// The file of the authority, as an option of a URL.
fn ca() -> String {
    format!("ca={}", authority().expect("it is named").replace('/', "%2F"))
}

/// What a URL opens, once the machine is quick enough for a handshake.
async fn opened(url: &str) -> Result<Stores, Error> {
    guarded(async {
        loop {
            match open(url).await {
                Err(error) if *error.kind() == ErrorKind::Unavailable => eprintln!("once more: {error}"),
                outcome => break outcome,
            }
        }
    })
    .await
}

/// Why a store is not reached.
async fn refused(url: String) -> Error {
    let error = opened(&url).await.expect_err("it is refused");
    assert_eq!(*error.kind(), ErrorKind::Configuration, "{error:?}");
    let credentials = url.split("://").nth(1).and_then(|rest| rest.split('@').next()).expect("a user");
    assert!(!format!("{error:?}").contains(credentials), "credentials are shown");
    error
}

async fn a_store_is_reached_over_an_encrypted_connection(places: Places) {
    let (server, name) = published(&places, "token").await;
    let url = format!("muon+{}/{name}?token=token&{}", places.of_service(Service::Encrypted), ca());
    let stores = opened(&url).await.expect("it opens");
    assert_open(&stores).await;
    drop(stores);
    server.shutdown().await;
}

async fn a_certificate_of_an_unknown_authority_is_refused(places: Places) {
    let error = refused(format!("muon+{}/events", places.of_service(Service::Encrypted))).await;
    assert!(error.to_string().contains("?ca="), "{error}");
}

async fn a_certificate_for_another_name_is_refused(places: Places) {
    let url = places.of_service(Service::Encrypted).replace("@localhost", "@127.0.0.1");
    assert!(url.contains("127.0.0.1"), "the certificate is for `localhost`");
    let error = refused(format!("muon+{url}/events?{}", ca())).await;
    assert!(error.to_string().contains("name"), "{error}");
}

async fn a_file_without_certificates_is_refused(places: Places) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "nothing\n").expect("a file");
    let url = places.of_service(Service::Encrypted);
    let error = refused(format!("muon+{url}/events?ca={}", file.display())).await;
    assert!(error.to_string().contains("no certificate"), "{error}");
}

async fn the_command_line_checks_the_certificate(places: Places) {
    let (url, file) = (places.of_service(Service::Encrypted), authority().expect("it is named"));
    for (arguments, code) in [(&["discover", "--ca-file", &file][..], 0), (&["discover"], 2)] {
        let ended = newton(url).args(arguments).stdin(Stdio::null()).output().expect("a process");
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {}", text(&ended.stderr));
        assert_eq!(text(&ended.stderr).contains("--ca-file"), code != 0);
    }
}
