//! Warnings and errors are heard, whether the service has a subscriber for its log or not; attempts are spans.

use bus_runtime::prelude::*;
use std::fmt::{self, Write};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tests::on::{Broker, Memory, PATIENCE, run_with};
use tests::patience::until;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The service; killed when this is dropped.
struct Service {
    child: Child,
    errors: Receiver<String>,
}

impl Service {
    fn start(url: &str) -> Self {
        let mut child = command(url)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let errors = BufReader::new(child.stderr.take().expect("it was asked for")).lines();
        let (send, received) = mpsc::channel();
        // It ends with the program.
        thread::spawn(move || {
            for line in errors.map_while(Result::ok) {
                // A test that has failed reads no more.
                drop(send.send(line));
            }
        });
        Service {
            child,
            errors: received,
        }
    }

    /// Waits for a line that begins so.
    #[track_caller]
    fn says(&self, begin: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.errors.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with(begin) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("`{begin}` was not said: {error}; but {before:?}"),
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_log-service"));
    command.arg(url);
    command
}

/// Warnings and errors come one a line, with their fields; `meanwhile` happens before the service ends.
fn without_a_subscriber_it_is_on_stderr(url: &str, meanwhile: impl FnOnce(&Service)) {
    let mut service = Service::start(url);
    let letter = service.says("bus warning: dead letter: ");
    let (said, fields) = letter.split_once(", ").expect("it has fields");
    assert_eq!(said, "bus warning: dead letter: it is\\npoisoned");
    let (handler, id) = fields.split_once(", id=").expect("it has an id");
    assert_eq!(
        handler,
        "handler=log_service::refuse, topic=log.poison, key=k"
    );
    assert!(id.ends_with(", reason=permanent"), "{id}");
    meanwhile(&service);
    drop(service.child.stdin.take());
    let forgotten = service.says("bus error: dropped while it runs");
    assert!(
        forgotten.ends_with(", bus=log_service::Service"),
        "{forgotten}"
    );
}

/// What is logged within the attempts of a handler, with their spans.
#[derive(Clone, Debug, Default)]
struct Within(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("a string takes everything");
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Within {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields(span.metadata().name().to_owned());
        span.record(&mut fields);
        let span = context.span(id).expect("it is new");
        span.extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Self(lines) = self;
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Fields(fields)) = span.extensions().get() {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push(fields.clone());
            }
        }
    }
}

#[event_handler(topic = "log.watched", key = Record, retry = Retry::attempts(2).backoff(SOON, SOON))]
async fn watch(_: Raw, about: Metadata) -> Result {
    tokio::task::yield_now().await;
    tracing::info!("in attempt {}", about.attempt);
    if about.attempt == 1 {
        Err("not yet")?
    } else {
        Ok(())
    }
}

const SOON: Duration = Duration::from_millis(1);

#[event_bus(group = "watched", handlers = [watch])]
struct Watched;

fn an_attempt_is_a_span<B: Broker>() {
    let within = Within::default();
    let layer = within.clone();
    let attach = move || {
        let subscriber = Registry::default().with(layer.clone());
        // For as long as the thread lives.
        std::mem::forget(tracing::subscriber::set_default(subscriber));
    };
    run_with(attach, |broker: B| async move {
        let bus = Watched::new(broker.config())
            .start()
            .await
            .expect("it starts");
        let event = Publish::new().id("one");
        let publisher = bus.publisher();
        let event = publisher.publish_raw("log.watched", Key::of("k"), "", event);
        event.await.expect("published");
        let lines = || {
            within
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        };
        until("both attempts have logged", || lines().len() >= 2).await;
        bus.shutdown().await.expect("it ends");
        let attempt = |number: u32| {
            format!(
                "attempt handler=\"log::watch\" topic=\"log.watched\" group=\"watched\" id=one attempt={number}"
            )
        };
        assert_eq!(lines(), [attempt(1), attempt(2)]);
    });
}

mod memory {
    use super::*;

    #[test]
    fn an_attempt_is_a_span() {
        super::an_attempt_is_a_span::<Memory>();
    }

    #[test]
    fn without_a_subscriber_it_is_on_stderr() {
        super::without_a_subscriber_it_is_on_stderr("memory:", |_| {});
    }

    #[test]
    fn with_a_subscriber_it_is_there_alone() {
        let output = command("memory:")
            .arg("subscriber")
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(err, "", "nothing is said twice");
        let lines: Vec<_> = out.lines().collect();
        assert!(
            matches!(lines[..], [letter, forgotten]
                if letter.starts_with("WARN dead letter: it is") && forgotten.starts_with("ERROR dropped while it runs")),
            "{out}"
        );
    }
}

#[cfg(any(feature = "nats", feature = "kafka"))]
fn a_lost_connection_is_on_stderr<K: tests::broker::Kind>() {
    let mut broker = tests::broker::Server::<K>::start();
    let url = broker.url().to_owned();
    without_a_subscriber_it_is_on_stderr(&url, |service| {
        broker.kill();
        service.says("bus warning: the connection to the broker is lost");
    });
}

#[cfg(feature = "nats")]
mod nats {
    #[test]
    fn an_attempt_is_a_span() {
        super::an_attempt_is_a_span::<tests::broker::Nats>();
    }

    #[test]
    fn a_lost_connection_is_on_stderr() {
        super::a_lost_connection_is_on_stderr::<tests::broker::NatsServer>();
    }
}

#[cfg(feature = "kafka")]
mod kafka {
    #[test]
    fn an_attempt_is_a_span() {
        super::an_attempt_is_a_span::<tests::on::SharedKafka>();
    }

    #[test]
    fn a_lost_connection_is_on_stderr() {
        super::a_lost_connection_is_on_stderr::<tests::broker::KafkaServer>();
    }
}
