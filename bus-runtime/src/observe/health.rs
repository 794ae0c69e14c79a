//! What a health report says.

use super::Problem;
use serde::Serialize;
use std::fmt;

/// Whether the bus is alive and ready, and what is wrong with it.
///
/// Liveness and readiness apart, as an orchestrator asks for them: a bus that is not *live* will not
/// recover without a restart; one that is not *ready* cannot take or handle events at the moment. A
/// problem that changes neither is still a problem for somebody: a stuck key, a refused dead letter.
///
/// Displayed, it is one line of the state and one for each thing that is wrong. Serialized, it is what its fields
/// say; a problem has its [`cause`](Problem::cause), its sentence as `message`, and its own fields:
///
/// ```json
/// {
///   "phase": "running",
///   "live": true,
///   "ready": false,
///   "problems": [
///     {
///       "cause": "broker_away",
///       "message": "the connection to the broker is lost: no route to host; reconnecting",
///       "error": "no route to host"
///     }
///   ],
///   "unrouted": [{ "group": "shop", "events": 3, "topics": ["orders.renamed"] }]
/// }
/// ```
///
/// By [`Default`], it is that of a bus that has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// How far the bus is.
    pub phase: Phase,
    /// The bus can go on without a restart. While it shuts down it is; once it has ended it is not.
    pub live: bool,
    /// The bus takes and handles events.
    pub ready: bool,
    /// What is wrong, each with its cause; none when all is well.
    pub problems: Vec<Problem>,
    /// What was acknowledged without being handled, by group. It is right where a stream is shared, and makes
    /// nothing unready; in a rolling deploy it may be a loss, see [`Unrouted`].
    pub unrouted: Vec<Unrouted>,
}

/// How far a bus is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// It runs.
    Running,
    /// It lets the handlers that run end, and closes.
    ShuttingDown,
    /// Nothing of it is left.
    #[default]
    Ended,
}

/// Events that reached a group which has no handler for them in this process. They are acknowledged, since the
/// group would stand still behind them: no member of this group handles them any more.
///
/// On a durable broker a group's consumer may see every topic of a stream. Where other services publish to the
/// same stream, such events are none of the group's business. Where a new version of this service handles a topic
/// that the old one does not, an old process that still runs takes that topic's events away: deploy the handler
/// everywhere first and publish to its topic after that, or give the new handler a `group` of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unrouted {
    /// The group.
    pub group: String,
    /// How many events.
    pub events: u64,
    /// Their topics, in the order in which they came: the first 100.
    pub topics: Vec<String>,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.live, self.ready) {
            (true, true) => "live and ready",
            (true, false) => "live, not ready",
            (false, _) => "not live",
        })?;
        f.write_str(match self.phase {
            Phase::Running => "",
            Phase::ShuttingDown => ", shutting down",
            Phase::Ended => ", ended",
        })?;
        for problem in &self.problems {
            write!(f, "\n- {problem}")?;
        }
        for unrouted in &self.unrouted {
            write!(f, "\n- {unrouted}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Unrouted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unrouted {
            group,
            events,
            topics,
        } = self;
        write!(
            f,
            "group `{group}` has acknowledged {events} events of topics without a handler here: {}",
            topics.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ill() -> Health {
        Health {
            phase: Phase::Running,
            live: true,
            ready: false,
            problems: vec![
                Problem::BrokerAway {
                    error: "no route to host".to_owned(),
                },
                Problem::KeyDiffers {
                    handler: "shop::reserve".to_owned(),
                    topic: "orders.placed".to_owned(),
                    keys: ("7".to_owned(), "8".to_owned()),
                },
            ],
            unrouted: vec![Unrouted {
                group: "shop".to_owned(),
                events: 3,
                topics: vec!["orders.renamed".to_owned(), "orders.split".to_owned()],
            }],
        }
    }

    #[test]
    fn it_reads_well() {
        let well = Health {
            phase: Phase::Running,
            live: true,
            ready: true,
            ..Health::default()
        };
        assert_eq!(well.to_string(), "live and ready");
        assert_eq!(Health::default().to_string(), "not live, ended");
        assert_eq!(
            ill().to_string(),
            "live, not ready\n\
             - the connection to the broker is lost: no route to host; reconnecting\n\
             - `shop::reserve` orders topic `orders.placed` by another key than it is published under (`8`, not `7`): \
             the order of that key holds within this process only\n\
             - group `shop` has acknowledged 3 events of topics without a handler here: orders.renamed, orders.split"
        );
    }

    #[test]
    fn its_json_stays_as_it_is() {
        let json = serde_json::to_string_pretty(&ill()).expect("it can be written");
        assert_eq!(json, include_str!("health.json").trim_end());
        let ended = serde_json::to_string(&Health::default()).expect("it can be written");
        assert_eq!(
            ended,
            r#"{"phase":"ended","live":false,"ready":false,"problems":[],"unrouted":[]}"#
        );
    }
}
