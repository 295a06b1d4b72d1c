//! Discovery: who runs, and where.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use newton::muon::discovery::{MemoryDiscovery, Services, Several, StaticList};
use newton::muon::{Descriptor, Discovery, DiscoveryExt};
use newton::{Error, ErrorKind, Result};

use super::guarded;

fn service(name: &str, tags: &[&str]) -> Descriptor {
    Descriptor { tags: tags.iter().map(ToString::to_string).collect(), ..Descriptor::new(name) }
}

#[tokio::test]
async fn services_are_found_by_name_and_by_tags() {
    let discovery = MemoryDiscovery::new();
    let (one, two) = (service("bank", &["money", "old"]), service("bank", &["money"]));
    for descriptor in [&one, &two, &service("shop", &["old"])] {
        discovery.announce(descriptor).await.unwrap();
    }
    discovery.announce(&one).await.unwrap();
    assert_eq!(discovery.named("bank").len(), 2);
    assert_eq!(discovery.tagged(&["money", "old"]), std::slice::from_ref(&one));
    assert_eq!(discovery.tagged(&[]).len(), 3);
    discovery.retract(&one).await.unwrap();
    discovery.retract(&one).await.unwrap();
    assert_eq!(discovery.named("bank"), [two]);
}

#[tokio::test]
async fn changes_can_be_waited_for() {
    let discovery = MemoryDiscovery::new();
    let mut services = discovery.services();
    let bank = service("bank", &[]);
    let waiting = tokio::spawn({
        let discovery = discovery.clone();
        async move { discovery.wait_for(Duration::from_mins(1), |known| known.identifier == "bank").await }
    });
    discovery.announce(&bank).await.unwrap();
    assert_eq!(guarded(waiting).await.unwrap().unwrap(), bank);
    guarded(services.changed()).await;
    discovery.retract(&bank).await.unwrap();
    guarded(services.changed()).await;
    assert_eq!(services.current(), []);
    let late = discovery.wait_for(Duration::from_millis(10), |_| true).await.unwrap_err();
    assert_eq!(*late.kind(), ErrorKind::NotFound);
}

/// Cannot be reached.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Discovery for Broken {
    async fn announce(&self, _: &Descriptor) -> Result<()> {
        Err(Error::new(ErrorKind::Unavailable, "announce", "the broker is gone"))
    }
    async fn retract(&self, service: &Descriptor) -> Result<()> {
        self.announce(service).await
    }
    async fn ready(&self) -> Result<()> {
        self.announce(&Descriptor::new("bank")).await
    }
    fn services(&self) -> Services {
        StaticList::default().services()
    }
    async fn close(&self) {}
}

#[tokio::test]
async fn several_know_what_any_of_them_knows() {
    let memory = MemoryDiscovery::new();
    let written = service("bank", &["written"]);
    let all: [Arc<dyn Discovery>; 3] =
        [Arc::new(StaticList::new([written.clone()])), Arc::new(memory.clone()), Arc::new(Broken)];
    let several = Several::new(all);
    several.ready().await.unwrap();
    several.announce(&service("shop", &[])).await.unwrap();
    assert_eq!(memory.named("shop").len(), 1);
    let mut services = several.services();
    let same = Descriptor { tags: vec!["announced".to_owned()], ..written.clone() };
    memory.announce(&same).await.unwrap();
    guarded(services.changed()).await;
    assert_eq!(several.named("bank").len(), 1, "one instance, told by two");
    assert!(several.named("bank")[0].has_tags(["written", "announced"]));

    let broken = Several::new([Arc::new(Broken) as Arc<dyn Discovery>]);
    assert_eq!(*broken.ready().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let none = Several::default();
    none.ready().await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(5), none.services().changed()).await.is_err());
}

#[test]
fn a_descriptor_is_written_as_others_read_it() {
    let mut bank = service("bank", &["money"]);
    bank.instance_id = Some("one".to_owned());
    bank.connection_urls.push("memory://".to_owned());
    let json = serde_json::to_value(&bank).unwrap();
    let wanted = serde_json::json!({"identifier": "bank", "instanceId": "one", "tags": ["money"],
        "codecs": ["application/json"], "connectionUrls": ["memory://"], "capabilities": []});
    assert_eq!(json, wanted);
    let short: Descriptor = serde_json::from_str(r#"{"identifier":"photon"}"#).unwrap();
    assert_eq!((short.instance_id, short.tags), (None, vec![]));
}

#[test]
fn credentials_are_taken_out_of_urls() {
    let cases = [
        ("amqp://user:pass@host:5672/v", "amqp://host:5672/v"),
        ("amqp://user:p@ss@host", "amqp://host"),
        ("amqp://user@host?a=b@c", "amqp://host?a=b@c"),
        ("amqp://host/a@b", "amqp://host/a@b"),
        ("memory://", "memory://"),
        ("no url", "no url"),
    ];
    for (url, wanted) in cases {
        let shown = Descriptor { connection_urls: vec![url.to_owned()], ..Descriptor::new("bank") }
            .without_credentials();
        assert_eq!(shown.connection_urls, [wanted]);
    }
}
