//! A bus that does not become idle.

use super::event::{TestEvent, TestOutcome};
use super::journal::Journal;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Events of one kind that the error names.
const NAMED: usize = 10;

/// A bus that did not become idle in time, and why: what runs, what waits, what has not arrived.
#[derive(Clone)]
#[non_exhaustive]
pub struct NotIdle {
    /// How long it was waited for, by the machine's clock.
    pub patience: Duration,
    /// Events whose handler runs.
    pub running: Vec<TestEvent>,
    /// Events that wait for their next attempt.
    pub waiting: Vec<TestEvent>,
    /// Events that were published and have not begun, by topic: behind others of their key, in the bus, or at the
    /// broker.
    pub not_begun: Vec<(&'static str, usize)>,
    /// Publishes that the broker has not answered.
    pub publishing: usize,
}

impl NotIdle {
    pub(super) fn new(patience: Duration, journal: &Journal) -> Self {
        let events = journal.events();
        let with = |outcome: TestOutcome| {
            let events = events.iter().filter(move |event| event.outcome == outcome);
            events.cloned().collect()
        };
        NotIdle {
            patience,
            running: with(TestOutcome::Running),
            waiting: with(TestOutcome::Waiting),
            not_begun: journal.undelivered(),
            publishing: journal.outstanding().under_way,
        }
    }
}

impl fmt::Display for NotIdle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bus is not idle after {:?}:", self.patience)?;
        for events in [&self.running, &self.waiting] {
            for event in events.iter().take(NAMED) {
                write!(f, "\n  {event}")?;
            }
            if events.len() > NAMED {
                write!(f, "\n  and {} more like it", events.len() - NAMED)?;
            }
        }
        for (topic, count) in &self.not_begun {
            write!(f, "\n  {topic}: {count} published and not begun")?;
        }
        if self.publishing > 0 {
            write!(f, "\n  {} publishes without an answer", self.publishing)?;
        }
        f.write_str("\n")?;
        f.write_str(if self.running.is_empty() {
            "No handler waits, so events go on coming: does a handler publish what leads back to it, or ask for another \
             attempt for ever? A test with much to do says `patience(…)`."
        } else {
            "The bus's clock stands while a handler runs: `advance(…)` moves it, and with it the handler's timeout. A \
             handler that needs longer than this needs `patience(…)`."
        })
    }
}

/// The text: what a test prints that unwraps it.
impl fmt::Debug for NotIdle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for NotIdle {}
