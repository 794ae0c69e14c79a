//! The dead letters of a group.

use super::{DeadLetter, DeadLetterError, DeadLetterFilter, DeadLetterId, DeadLetterPage};
use crate::bus::{Config, StartError};
use crate::clock::after;
use crate::event::check_name;
use crate::transport::{Letter, Position, Transport, TransportError, connect};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How many dead letters are read at a time.
pub(super) const PAGE: usize = 256;

/// The dead letters of a group: to list, to look at, to replay and to purge. Cheap to clone.
///
/// A running bus has its own, [`Running::dead_letters`](crate::Running::dead_letters); a program of its own
/// [connects](Self::connect), whether the bus runs or not.
///
/// **A replay** stores the event for its group alone, and only then removes the dead letter. The group's handler gets it
/// as one more event of its key, with the id, headers and bytes that it was published with: at once where the bus runs,
/// else after its next start. No other group sees it. If it fails again, it is a dead letter again, with the attempts
/// added up; so it is where the group no longer has a handler for its topic. On Kafka, one process of a group has its
/// replays, and keeps them in order with those events of their keys that it has itself: another process may handle a
/// later event of such a key at the same time.
///
/// Nothing is lost where a replay is interrupted, but an event may be replayed that is still a dead letter: to replay it
/// once more handles it twice. NATS notices within two minutes.
///
/// ```
/// use bus_runtime::prelude::*;
/// use bus_runtime::{DeadLetterFilter, DeadReason};
///
/// #[event_handler(topic = "orders.placed", key = Record, retry = Retry::attempts(1))]
/// async fn reserve(_: Raw) -> Result {
///     Err("out of stock".into())
/// }
///
/// #[event_bus(group = "shop", handlers = [reserve])]
/// struct Shop;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Shop::new(Config::memory()).start().await?;
/// bus.publisher().publish_raw("orders.placed", Key::of("c-7"), "{}", Publish::new()).await?;
///
/// let dead_letters = bus.dead_letters();
/// let all = DeadLetterFilter::all();
/// let letter = loop {
///     if let [letter] = &dead_letters.list(&all, None, 100).await?.letters[..] {
///         break letter.clone();
///     }
///     tokio::task::yield_now().await;
/// };
/// assert_eq!((letter.reason, &*letter.error), (Some(DeadReason::Exhausted), "out of stock"));
///
/// dead_letters.purge(letter.id).await?;
/// assert_eq!(dead_letters.replay_all(&all).await?, 0);
/// bus.shutdown().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct DeadLetters {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) group: Arc<str>,
    /// How long storing a replay may take.
    pub(super) timeout: Duration,
    /// For a connection of its own: how long closing it may take. A bus closes its own.
    shutdown_deadline: Option<Duration>,
}

impl DeadLetters {
    /// Connects a program to the dead letters of a group, by its full name: the bus's, or for a handler's own
    /// `<the bus's>~<its own>`. Broker and namespace are those of the service.
    ///
    /// ```no_run
    /// use bus_runtime::{Config, DeadLetterFilter, DeadLetters};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let dead_letters = DeadLetters::connect(Config::from_env()?, "shop~audit").await?;
    /// let replayed = dead_letters.replay_all(&DeadLetterFilter::all().topic("orders.placed")).await?;
    /// println!("{replayed} events will be handled again");
    /// dead_letters.shutdown().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// When the configuration is wrong, the broker cannot be reached within `connect_timeout`, the URL is `memory:`, or
    /// nobody has handled events as this group on this broker.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may leave the connection open until the runtime ends.
    pub async fn connect(
        config: Config,
        group: impl Into<Arc<str>>,
    ) -> Result<Self, DeadLetterError> {
        let connecting = DeadLetterError::Connect;
        let is_memory = config.is_memory().map_err(StartError::Config);
        if is_memory.map_err(connecting)? {
            return Err(DeadLetterError::InMemory);
        }
        let connected = connect(&config, "dead-letters").await;
        let transport = connected.map_err(connecting)?;
        let connected = DeadLetters {
            transport,
            group: group.into(),
            timeout: config.publish_timeout,
            shutdown_deadline: Some(config.shutdown_deadline),
        };
        match connected.checked().await {
            Ok(()) => Ok(connected),
            Err(error) => {
                // It says less than what is returned.
                drop(connected.shutdown().await);
                Err(error)
            }
        }
    }

    /// Those of a bus that runs, which ends the connection.
    pub(crate) fn of_bus(
        transport: Arc<dyn Transport>,
        group: Arc<str>,
        timeout: Duration,
    ) -> Self {
        DeadLetters {
            transport,
            group,
            timeout,
            shutdown_deadline: None,
        }
    }

    /// The group, by its full name.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The dead letters of another group, over the same connection: `shop~audit` for the handler of the bus `shop` that
    /// has the group `audit`.
    ///
    /// # Errors
    ///
    /// When nobody has handled events as this group on this broker, or the broker cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened.
    pub async fn of_group(&self, group: impl Into<Arc<str>>) -> Result<Self, DeadLetterError> {
        let other = DeadLetters {
            group: group.into(),
            ..self.clone()
        };
        other.checked().await?;
        Ok(other)
    }

    /// Lists dead letters, oldest first: those that the filter takes, behind `after` or from the oldest on, `limit` at
    /// most. The page says where the next one begins.
    ///
    /// With a filter, everything behind `after` may be read to find what it takes; no more than the page is kept.
    ///
    /// # Errors
    ///
    /// When the broker cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened: nothing is taken away by looking.
    pub async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<DeadLetterPage, DeadLetterError> {
        let mut page = DeadLetterPage::default();
        let mut from = after.map_or(Some(0), |DeadLetterId(after)| after.checked_add(1));
        while let Some(position) = from
            && page.letters.len() < limit
        {
            // Of those that are read, a filter may take few.
            let wanted = if filter.takes_all() {
                (limit - page.letters.len()).min(PAGE)
            } else {
                PAGE
            };
            let letters = self.read(position, wanted).await?;
            page.next = None;
            for letter in &letters {
                if page.letters.len() == limit {
                    break;
                }
                page.next = Some(DeadLetterId(letter.position));
                let letter = DeadLetter::new(letter, &self.group);
                if filter.takes(&letter) {
                    page.letters.push(letter);
                }
            }
            from = page.next.and_then(|DeadLetterId(last)| last.checked_add(1));
        }
        Ok(page)
    }

    /// One dead letter.
    ///
    /// # Errors
    ///
    /// When there is no such dead letter, or the broker cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// As [`list`](Self::list).
    pub async fn get(&self, id: DeadLetterId) -> Result<DeadLetter, DeadLetterError> {
        let letter = self.letter(id).await?;
        Ok(DeadLetter::new(&letter, &self.group))
    }

    /// Closes the connection of a program that has [connected](Self::connect). What a running bus gave is closed with
    /// the bus: on that, this does nothing.
    ///
    /// # Errors
    ///
    /// When something did not close within `shutdown_deadline`, by name.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the connection may stay open.
    pub async fn shutdown(self) -> Result<(), DeadLetterError> {
        let Some(deadline) = self.shutdown_deadline else {
            return Ok(());
        };
        let left = self.transport.close(after(deadline)).await;
        if left.0.is_empty() {
            Ok(())
        } else {
            Err(DeadLetterError::Left(left.0))
        }
    }

    /// A dead letter as it is stored.
    pub(super) async fn letter(&self, id: DeadLetterId) -> Result<Letter, DeadLetterError> {
        let letters = self.read(id.0, 1).await?;
        let found = letters.into_iter().find(|letter| letter.position == id.0);
        found.ok_or_else(|| DeadLetterError::UnknownId {
            group: self.group.to_string(),
            id,
        })
    }

    /// Some dead letters as they are stored.
    pub(super) async fn read(
        &self,
        from: Position,
        limit: usize,
    ) -> Result<Vec<Letter>, DeadLetterError> {
        let letters = self.transport.buried().list(&self.group, from, limit).await;
        letters.map_err(|error| self.failed("listing", error))
    }

    pub(super) fn failed(&self, what: &'static str, source: TransportError) -> DeadLetterError {
        DeadLetterError::Broker {
            group: self.group.to_string(),
            what,
            source,
        }
    }

    async fn checked(&self) -> Result<(), DeadLetterError> {
        // What is no name must not reach a broker, where it may mean more than one group.
        let mut names = self.group.splitn(2, '~');
        let is_known = names.all(|name| check_name(name, 64).is_none()) && {
            let known = self.transport.buried().knows(&self.group).await;
            known.map_err(|error| self.failed("looking for", error))?
        };
        if is_known {
            return Ok(());
        }
        Err(DeadLetterError::UnknownGroup {
            group: self.group.to_string(),
        })
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters")
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}
