//! What a test logs, apart from what the tests beside it do.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

thread_local! {
    static HERE: RefCell<Option<Attached>> = const { RefCell::new(None) };
}

/// A thread's own subscriber: a thread that is started here and asks for it has it too.
struct Attached {
    logged: Logged,
    _default: DefaultGuard,
}

/// What was logged at `INFO` and above on the threads that it is attached to. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Logged(Arc<Mutex<Vec<Line>>>);

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Line {
    /// How grave it is.
    pub level: Level,
    /// The module that logged it.
    pub target: String,
    /// The message, then each field as ` name=value`.
    pub text: String,
}

impl Logged {
    /// What this thread, those of the runtime that runs the scenario, and those of the bus's clients log.
    pub fn here() -> Self {
        let here = HERE.with_borrow(|here| Some(here.as_ref()?.logged.clone()));
        here.unwrap_or_else(|| {
            let logged = Logged::default();
            logged.attach();
            logged
        })
    }

    /// Keeps what the current thread logs from now on.
    pub fn attach(&self) {
        let subscriber = Registry::default().with(Keep(self.clone()));
        HERE.set(Some(Attached {
            logged: self.clone(),
            _default: tracing::subscriber::set_default(subscriber),
        }));
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<Line> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The warnings and errors so far.
    pub fn complaints(&self) -> Vec<Line> {
        let mut lines = self.lines();
        lines.retain(|line| line.level <= Level::WARN);
        lines
    }
}

struct Keep(Logged);

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        if *meta.level() > Level::INFO {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let line = Line {
            level: *meta.level(),
            target: meta.target().to_owned(),
            text: text.message + &text.fields,
        };
        let Keep(Logged(lines)) = self;
        lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {field}={value:?}")
        };
        written.expect("a string takes everything");
    }
}
