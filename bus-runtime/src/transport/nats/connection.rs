//! Keeps a connection: makes the first, and the next whenever one is lost.

use super::link::{self, Link};
use super::options::NatsOptions;
use crate::transport::{Intake, TransportError};
use async_nats::{ConnectError, ConnectErrorKind};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// The connection as it is now: none while it is lost.
pub(super) type Links = watch::Receiver<Option<Link>>;

/// Makes connections. The servers are tried in turn; those of the cluster that the first ones name come
/// behind.
#[derive(Debug)]
pub(super) struct Connector {
    options: Arc<NatsOptions>,
    servers: Vec<String>,
    next: usize,
    tracker: TaskTracker,
}

impl Connector {
    pub(super) fn new(
        options: Arc<NatsOptions>,
        tracker: TaskTracker,
    ) -> Result<Self, TransportError> {
        if options.servers.is_empty() {
            return Err(TransportError::Refused("no NATS server is named".into()));
        }
        for server in &options.servers {
            link::check(server).map_err(TransportError::Refused)?;
        }
        Ok(Connector {
            servers: options.servers.clone(),
            options,
            next: 0,
            tracker,
        })
    }

    /// The first connection, within the time that is configured.
    pub(super) async fn first(&mut self) -> Result<Link, TransportError> {
        let deadline = Instant::now() + self.options.connect_timeout;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let server = self.turn();
            let error = match tokio::time::timeout_at(deadline, self.open(&server)).await {
                Ok(Ok(link)) => return Ok(link),
                Ok(Err(error)) if is_forbidden(&error) => {
                    let server = super::options::without_secrets(&server);
                    return Err(TransportError::Refused(format!(
                        "the NATS server {server} knows no such user, password or token ({error})"
                    )));
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".into(),
            };
            let server = super::options::without_secrets(&server);
            let wait = wait(attempt);
            if Instant::now() + wait >= deadline {
                return Err(TransportError::Unreachable(format!(
                    "no connection to NATS ({}) within {:?}: {error}",
                    self.options.servers_shown(),
                    self.options.connect_timeout,
                )));
            }
            crate::observe::warning!(
                server,
                attempt,
                "no connection to NATS yet: {error}; trying again"
            );
            tokio::time::sleep(wait).await;
        }
    }

    /// The next connection, however long it takes.
    async fn again(&mut self) -> Link {
        let mut attempt = 0;
        loop {
            attempt += 1;
            // The first attempt is jittered too: a server that restarts meets all its clients at once.
            tokio::time::sleep(wait(attempt)).await;
            let server = self.turn();
            match self.open(&server).await {
                Ok(link) => return link,
                Err(error) => {
                    let server = super::options::without_secrets(&server);
                    crate::observe::warning!(
                        server,
                        attempt,
                        "no connection to NATS: {error}; trying again"
                    );
                }
            }
        }
    }

    fn turn(&mut self) -> String {
        let server = self.servers[self.next % self.servers.len()].clone();
        self.next = self.next.wrapping_add(1);
        server
    }

    async fn open(&mut self, server: &str) -> Result<Link, ConnectError> {
        let link = Link::open(server, &self.options, &self.tracker).await?;
        let info = link.client.server_info();
        for other in info.connect_urls {
            // Those that are learnt need the same user and password.
            let other = match server.rsplit_once('@') {
                Some((front, _)) => format!("{front}@{other}"),
                None => other,
            };
            if link::check(&other).is_ok() && !self.servers.contains(&other) {
                self.servers.push(other);
            }
        }
        Ok(link)
    }
}

/// Whether the server refuses this user: trying again at the start would only hide that.
fn is_forbidden(error: &ConnectError) -> bool {
    matches!(
        error.kind(),
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication
    )
}

/// 50 ms, doubling up to four seconds, of which a random half to all.
fn wait(attempt: u32) -> Duration {
    let longest = Duration::from_millis(50)
        .saturating_mul(1 << attempt.saturating_sub(1).min(10))
        .min(LONGEST_WAIT);
    let random =
        u32::try_from(RandomState::new().hash_one(attempt) >> 32).expect("32 bits are left");
    longest.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
}

/// Whom to tell of the connection's state.
#[derive(Clone, Debug, Default)]
pub(super) struct Listeners(Arc<Mutex<Vec<Intake>>>);

impl Listeners {
    pub(super) fn add(&self, intake: Intake) {
        self.lock().push(intake);
    }

    /// Nobody is told any more. A listener leads to the pool, and the pool to this transport: kept, they would
    /// keep each other for good.
    pub(super) fn clear(&self) {
        let listeners = std::mem::take(&mut *self.lock());
        drop(listeners);
    }

    fn tell(&self, lost: Option<&TransportError>) {
        for intake in self.lock().iter() {
            intake.connection(lost);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Intake>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces the connection whenever it is lost, until `closing`.
pub(super) async fn keep(
    mut connector: Connector,
    links: watch::Sender<Option<Link>>,
    listeners: Listeners,
    closing: CancellationToken,
) {
    let keeping = async {
        loop {
            let lost = links.borrow().as_ref().map(|link| link.lost.clone());
            if let Some(lost) = lost {
                lost.cancelled().await;
            }
            links.send_replace(None);
            let shown = connector.options.servers_shown();
            crate::observe::warning!("the connection to NATS ({shown}) is lost; reconnecting");
            listeners.tell(Some(&TransportError::Unreachable(format!(
                "the connection to NATS ({shown}) is lost"
            ))));
            let link = connector.again().await;
            tracing::info!("connected to NATS again");
            links.send_replace(Some(link));
            listeners.tell(None);
        }
    };
    closing.run_until_cancelled(keeping).await;
    // The last clone of the connection but those of whoever still works with it.
    links.send_replace(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_get_rarer_and_are_spread() {
        for (attempt, longest) in [(1, 50), (2, 100), (3, 200), (20, 4000), (u32::MAX, 4000)] {
            let wait = wait(attempt);
            let longest = Duration::from_millis(longest);
            assert!(
                wait <= longest && wait >= longest / 2,
                "{attempt}: {wait:?}"
            );
        }
        let waits: std::collections::HashSet<Duration> = (0..8).map(|_| wait(20)).collect();
        assert!(
            waits.len() > 1,
            "eight clients would come at the same moment"
        );
    }
}
