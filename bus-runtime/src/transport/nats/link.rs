//! One connection to one server, until it is lost.

use super::options::{NatsOptions, without_secrets};
use async_nats::{Client, ConnectOptions, Event, ReconnectToServer, ServerAddr, ServerError};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// How long one attempt to reach a server may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// After how long of silence the client asks the server for a sign of life; two unanswered ones end the
/// connection.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// How long a request to the server's API may take.
const REQUEST: Duration = Duration::from_secs(5);

/// One connection to one server. Cheap to clone; it ends when it is lost, or when the last clone is
/// dropped.
///
/// The client could reconnect on its own; it is kept from that, for two reasons: it tells nobody exactly
/// when, so that it would stay unknown what was lost in between, and while it tries it hears nothing, so
/// that it could not be ended.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) client: Client,
    /// Cancelled when the connection is lost.
    pub(super) lost: CancellationToken,
    pub(super) denied: Arc<Denied>,
}

/// The subjects to which the server lets this user publish nothing. It says so beside the publish, which has no answer.
#[derive(Debug, Default)]
pub(super) struct Denied {
    subjects: Mutex<Vec<String>>,
    more: Notify,
}

impl Denied {
    /// Waits for some.
    ///
    /// # Cancel safety
    ///
    /// None is lost when it is dropped.
    pub(super) async fn next(&self) -> Vec<String> {
        loop {
            let denied = std::mem::take(&mut *self.lock());
            if !denied.is_empty() {
                return denied;
            }
            // One that comes before this is polled leaves word.
            self.more.notified().await;
        }
    }

    /// What the server says beside all answers.
    fn hear(&self, said: &str) {
        if let Some(subject) = denied_in(said) {
            self.lock().push(subject.to_owned());
            self.more.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subject in `Permissions Violation for Publish to "<subject>"`.
fn denied_in(said: &str) -> Option<&str> {
    const DENIED: &str = "permissions violation for publish to \"";
    let start = said.get(..DENIED.len())?;
    let behind = &said[DENIED.len()..];
    start.eq_ignore_ascii_case(DENIED).then_some(())?;
    behind.split('"').next()
}

impl Link {
    /// Connects to one server, once. The client's tasks count in `tracker`.
    pub(super) async fn open(
        server: &str,
        options: &NatsOptions,
        tracker: &TaskTracker,
    ) -> Result<Link, async_nats::ConnectError> {
        let lost = CancellationToken::new();
        // Called before each attempt: the second call is the first one after the connection was lost. The
        // guard does the same should the client's task end in another way.
        let first = Mutex::new(Some(lost.clone().drop_guard()));
        let dialled = Arc::new(Dialled {
            guard: first,
            token: lost.clone(),
            calls: Mutex::new(0),
        });
        let denied = Arc::<Denied>::default();
        let heard = Arc::clone(&denied);
        let counted = (tracker.token(), tracker.token());
        let (of_connection, of_events) = counted;
        let client = authenticated(server)
            .name(&options.name)
            .ping_interval(PING_INTERVAL)
            .connection_timeout(ATTEMPT)
            .request_timeout(Some(REQUEST))
            .ignore_discovered_servers()
            // With 1, one more attempt is made when the connection is lost; its failure ends the client. With
            // 0, it would never end.
            .max_reconnects(1)
            .reconnect_to_server_callback(move |servers, _| {
                let (dialled, _counted) = (Arc::clone(&dialled), &of_connection);
                dialled.dial();
                async move {
                    let addr = servers.into_iter().next()?.addr;
                    Some(ReconnectToServer {
                        addr,
                        delay: Some(Duration::ZERO),
                    })
                }
            })
            .event_callback(move |event| {
                let _counted = &of_events;
                if let Event::ServerError(ServerError::Other(said)) = &event {
                    heard.hear(said);
                }
                if let Event::SlowConsumer(_) | Event::LameDuckMode = &event {
                    crate::observe::warning!("the NATS client says: {event}");
                }
                std::future::ready(())
            })
            .connect(server)
            .await?;
        Ok(Link {
            client,
            lost,
            denied,
        })
    }

    /// Runs `future` to its end, unless the connection is lost before.
    pub(super) async fn until_lost<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.lost.run_until_cancelled(future).await
    }
}

struct Dialled {
    /// Cancels when dropped, which is when the client's connection task ends.
    guard: Mutex<Option<DropGuard>>,
    token: CancellationToken,
    calls: Mutex<u32>,
}

impl Dialled {
    fn dial(&self) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls += 1;
        if *calls > 1 {
            self.guard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            self.token.cancel();
        }
    }
}

/// The options of a connection as whom the server's address says; the client leaves it to its user to read
/// that. A user without a password is a token, as in the server's other clients.
fn authenticated(server: &str) -> ConnectOptions {
    let options = ConnectOptions::new();
    let Ok(address) = server.parse::<ServerAddr>() else {
        // The client reports it.
        return options;
    };
    match (address.username(), address.password()) {
        (None, _) => options,
        (Some(token), None) => options.token(decoded(token)),
        (Some(user), Some(password)) => options.user_and_password(decoded(user), decoded(password)),
    }
}

/// Text of a URL without its percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let byte = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = byte {
            bytes.push(high << 4 | low);
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// A server of which this build can make use, or why not.
pub(super) fn check(server: &str) -> Result<(), String> {
    let shown = without_secrets(server);
    let address: ServerAddr = server
        .parse()
        .map_err(|error| format!("`{shown}` is no server's address: {error}"))?;
    match address.scheme() {
        "nats" => Ok(()),
        other => Err(format!(
            "`{other}://{shown}`: only `nats://` is built in; TLS and websockets are not"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_subject_is_heard() {
        let said = "Permissions Violation for Publish to \"events~dead.shop.orders\"";
        assert_eq!(denied_in(said), Some("events~dead.shop.orders"));
        for other in [
            "Permissions Violation for Subscription to \"a\"",
            "Maximum Payload",
            "",
        ] {
            assert_eq!(denied_in(other), None, "{other}");
        }
    }

    #[test]
    fn percent_encoding_is_taken_off() {
        for (text, plain) in [
            ("s%40cr%C3%A9t", "s@cr\u{e9}t"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
        ] {
            assert_eq!(decoded(text), plain);
        }
    }

    #[test]
    fn only_plain_nats_is_built_in() {
        assert_eq!(check("nats://me:secret@host"), Ok(()));
        let error = check("tls://me:secret@host").expect_err("no TLS yet");
        assert!(
            error.contains("`tls://host") && !error.contains("secret"),
            "{error}"
        );
    }
}
