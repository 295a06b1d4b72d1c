//! Spans: every command is traced under the field names of OpenTelemetry's messaging conventions.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use newton_tests::Given;
use newton_tests::bank::open;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

type Fields = BTreeMap<String, String>;

/// Keeps the fields of every span by the span's name.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<(&'static str, Fields)>>>);

struct Collect<'a>(&'a mut Fields);

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("newton")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::new();
        span.record(&mut Collect(&mut fields));
        let mut spans = self.0.lock().unwrap();
        spans.push((span.metadata().name(), fields));
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_command_has_a_span() {
    let spans = Spans::default();
    // Where there is only one subscriber, a span that another test enters first asks that test's thread, which has none, and is
    // switched off for everybody; where there are two, all are asked.
    let _second = tracing::Dispatch::new(spans.clone());
    let receipt = tracing::subscriber::with_default(spans.clone(), || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let app = Given::memory().await.app().start().await.unwrap();
            app.execute("acc-1", open("Ada")).await.unwrap()
        })
    });
    let spans = spans.0.lock().unwrap();
    let (_, execute) = spans.iter().find(|(name, _)| *name == "execute").unwrap();
    let id = receipt.command_id.to_string();
    for (field, value) in [
        ("messaging.system", "\"newton\""),
        ("messaging.operation.name", "\"execute\""),
        ("messaging.operation.type", "\"process\""),
        ("messaging.destination.name", "bank/Account/acc-1"),
        ("messaging.message.id", &id),
        ("messaging.message.conversation_id", &id),
    ] {
        assert_eq!(execute.get(field).map(String::as_str), Some(value), "{field}");
    }
    let (_, append) = spans.iter().find(|(name, _)| *name == "append").unwrap();
    assert_eq!(append.get("messaging.operation.type").map(String::as_str), Some("\"send\""));
    assert_eq!(append.get("messaging.batch.message_count").map(String::as_str), Some("1"));
}
