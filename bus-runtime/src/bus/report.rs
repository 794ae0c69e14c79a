//! What became of a bus's events.

use crate::delivery::{Count, DeadReason};
use std::fmt;
use std::time::Duration;

/// What became of a bus's events, from its start to its end.
///
/// Its `Display` is for people:
///
/// ```text
/// bus `shop::Shop` ended after 12s, its shutdown took 3ms
///   handled      1204
///   retried        17
///   dead letters    1 (exhausted 1)
///   released        0
///   left behind   nothing
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The bus.
    pub bus: String,
    /// What became of the events of each handler, in the order in which they are listed.
    pub handlers: Vec<Handled>,
    /// What did not end by the deadline, by name: a handler that blocks its thread, a consumer that cannot
    /// close. Nothing, after a clean shutdown. Where handlers block every worker thread, the shutdown returns at its
    /// deadline nevertheless; it ends in the background when they let it.
    pub left: Vec<String>,
    /// How long the bus ran, its shutdown included.
    pub ran: Duration,
    /// How long the shutdown took.
    pub shutdown: Duration,
    /// Handlers that were cancelled, because they did not end before the drain's deadline; their events are
    /// among the released, or the handlers are among what is left.
    pub cancelled: u64,
}

/// What became of the events of one handler.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Handled {
    /// The handler's path.
    pub handler: String,
    /// Its topic.
    pub topic: String,
    /// Its group's full name.
    pub group: String,
    /// Events that it handled.
    pub handled: u64,
    /// Events that it skipped.
    pub skipped: u64,
    /// Attempts that failed and were followed by another.
    pub retried: u64,
    /// Dead letters that were stored, with their reasons.
    pub dead: Vec<(DeadReason, u64)>,
    /// Events that were given back to the broker unsettled, and are delivered again. On `memory:` they are
    /// lost with the process.
    pub released: u64,
}

impl Report {
    /// Events that their handlers handled.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.handlers.iter().map(|handler| handler.handled).sum()
    }

    /// Events that their handlers skipped.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.handlers.iter().map(|handler| handler.skipped).sum()
    }

    /// Attempts that failed and were followed by another.
    #[must_use]
    pub fn retried(&self) -> u64 {
        self.handlers.iter().map(|handler| handler.retried).sum()
    }

    /// Dead letters that were stored.
    #[must_use]
    pub fn dead_lettered(&self) -> u64 {
        self.handlers
            .iter()
            .flat_map(|handler| &handler.dead)
            .map(|(_, count)| count)
            .sum()
    }

    /// Events that were given back to the broker unsettled.
    #[must_use]
    pub fn released(&self) -> u64 {
        self.handlers.iter().map(|handler| handler.released).sum()
    }
}

impl Handled {
    pub(super) fn new(handler: &str, topic: &str, group: &str, count: Count) -> Self {
        let dead = DeadReason::ALL
            .into_iter()
            .zip(count.dead)
            .filter(|(_, count)| *count > 0)
            .collect();
        Handled {
            handler: handler.to_owned(),
            topic: topic.to_owned(),
            group: group.to_owned(),
            handled: count.handled,
            skipped: count.skipped,
            retried: count.retried,
            dead,
            released: count.released,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |time: Duration| {
            let rounded = if time.as_secs() > 0 {
                Duration::from_secs(time.as_secs())
            } else {
                Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
            };
            humantime::format_duration(rounded).to_string()
        };
        writeln!(
            f,
            "bus `{}` ended after {}, its shutdown took {}",
            self.bus,
            short(self.ran),
            short(self.shutdown)
        )?;
        writeln!(f, "  handled      {}", self.handled())?;
        if self.skipped() > 0 {
            writeln!(f, "  skipped      {}", self.skipped())?;
        }
        writeln!(f, "  retried      {}", self.retried())?;
        write!(f, "  dead letters {}", self.dead_lettered())?;
        let reasons = DeadReason::ALL.into_iter().filter_map(|reason| {
            let dead = self.handlers.iter().flat_map(|handler| &handler.dead);
            let count: u64 = dead
                .filter(|(found, _)| *found == reason)
                .map(|(_, count)| count)
                .sum();
            (count > 0).then(|| format!("{reason} {count}"))
        });
        let reasons: Vec<String> = reasons.collect();
        if !reasons.is_empty() {
            write!(f, " ({})", reasons.join(", "))?;
        }
        write!(f, "\n  released     {}", self.released())?;
        if self.cancelled > 0 {
            write!(
                f,
                " ({} handlers cancelled at the deadline)",
                self.cancelled
            )?;
        }
        if self.left.is_empty() {
            return write!(f, "\n  left behind  nothing");
        }
        write!(
            f,
            "\n  left behind  {}",
            self.left.join("\n               ")
        )
    }
}
