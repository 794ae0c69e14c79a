//! What a run of a consumer leaves for the next one: which events are settled behind one that is not.
//!
//! A reset begins behind the floor, and forgets each acknowledgement above it. So at the end of a run the
//! positions above the floor that are settled are written into the consumer's metadata.
//!
//! A mark never lets an unsettled event be skipped, however old it is, and whatever became of the runs since:
//! what is settled stays settled, so only an event that has taken the place of a settled one could be skipped.
//! Within one life of a stream a position is given twice only where the server has lost the newest events, as
//! in a power cut, and counts on from what is left. A mark names an event that is not older than any in it,
//! with the time at which it was stored. If it is still there, nothing up to it was lost; if it is not, or the
//! stream was made anew, the mark is void. So it is where the floor is below the one it was written for:
//! somebody has set the consumer back, and wants to see the events again.

use super::acks::Delivered;
use super::api::ApiError;
use super::link::Link;
use super::setup::Durable;
use super::wire;
use crate::transport::Position;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::{self, Display};
use std::time::SystemTime;

/// In a consumer's metadata: the mark.
pub(super) const SETTLED: &str = "bus-settled";
/// The most bytes of bitmap, 48 KiB: 64 KiB as text, half of what the server takes as metadata.
const BITMAP: usize = 48 * 1024;

/// An event that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) position: Position,
    /// When it was stored, since 1970.
    pub(super) nanoseconds: u64,
}

/// Which events are settled above a floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// When the stream was made, in nanoseconds since 1970.
    pub(super) created: i128,
    /// Up to where all was acknowledged.
    pub(super) floor: Position,
    /// An event that is not older than any of the settled ones.
    pub(super) seen: Seen,
    /// Above the floor, oldest first.
    pub(super) settled: Vec<Position>,
}

impl From<Delivered> for Seen {
    fn from(delivered: Delivered) -> Self {
        Seen {
            position: delivered.position,
            nanoseconds: delivered.nanoseconds,
        }
    }
}

impl Mark {
    /// `None` where it is no mark, or that of another version.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '/');
        let created = parts.next()?.parse().ok()?;
        let floor: Position = parts.next()?.parse().ok()?;
        let seen = Seen {
            position: parts.next()?.parse().ok()?,
            nanoseconds: parts.next()?.parse().ok()?,
        };
        let bitmap = STANDARD.decode(parts.next()?).ok()?;
        let bits = bitmap
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        let settled = (floor.checked_add(1)?..=seen.position)
            .zip(bits)
            .filter_map(|(position, is_settled)| is_settled.then_some(position))
            .collect();
        Some(Mark {
            created,
            floor,
            seen,
            settled,
        })
    }

    /// The mark, if it is about this stream and this floor: what of it is above the floor.
    ///
    /// # Errors
    ///
    /// Only when the connection is lost. Where the server cannot or may not say, the mark is void.
    pub(super) async fn verify(
        mut self,
        link: &Link,
        durable: &Durable,
        created: i128,
        floor: Position,
    ) -> Result<Option<Self>, ApiError> {
        self.settled.retain(|position| *position > floor);
        let why = if self.created != created {
            "the stream was made anew".to_owned()
        } else if floor < self.floor {
            format!("the consumer was set back from {} to {floor}", self.floor)
        } else if self.settled.is_empty() {
            return Ok(None);
        } else {
            match stored(link, durable, self.seen.position).await {
                Ok(time) if time == Some(wire::time(self.seen.nanoseconds)) => {
                    return Ok(Some(self));
                }
                Ok(_) => format!("the stream has another event at {}", self.seen.position),
                Err(error) if link.lost.is_cancelled() => return Err(error),
                Err(error) => error.to_string(),
            }
        };
        tracing::info!(
            group = durable.name,
            "what an earlier run has written down of settled events does not count: {why}"
        );
        Ok(None)
    }
}

/// As it is in the metadata: `<created>/<floor>/<position>/<nanoseconds>/<bitmap from floor + 1 on>`, of as many
/// of the oldest positions as there is room for.
impl Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bitmap = Vec::new();
        for position in &self.settled {
            let Some(at) = position.checked_sub(self.floor + 1) else {
                continue;
            };
            let Some(byte) = usize::try_from(at / 8).ok().filter(|byte| *byte < BITMAP) else {
                break;
            };
            if bitmap.len() <= byte {
                bitmap.resize(byte + 1, 0);
            }
            bitmap[byte] |= 1 << (at % 8);
        }
        let Mark {
            created,
            floor,
            seen: Seen {
                position,
                nanoseconds,
            },
            ..
        } = self;
        let bitmap = STANDARD.encode(bitmap);
        write!(f, "{created}/{floor}/{position}/{nanoseconds}/{bitmap}")
    }
}

/// Writes a mark for the floor as the server has it now; takes the former one away where nothing is settled
/// above it. All else of the consumer's configuration stays, also what this client does not know of.
pub(super) async fn write(
    link: &Link,
    durable: &Durable,
    mark: Option<Mark>,
) -> Result<(), ApiError> {
    let Durable { name, stream, .. } = durable;
    let info: Value = link
        .api(&format!("CONSUMER.INFO.{stream}.{name}"), &json!({}))
        .await?;
    let unreadable = || ApiError::Silent("the server's answer is not a consumer's state".into());
    let floor = info["ack_floor"]["stream_seq"]
        .as_u64()
        .ok_or_else(unreadable)?;
    let mut config = info["config"].as_object().cloned().ok_or_else(unreadable)?;
    let mut metadata = config
        .get("metadata")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let text = mark.and_then(|mut mark| {
        mark.floor = floor;
        mark.settled.retain(|position| *position > floor);
        (!mark.settled.is_empty()).then(|| Value::from(mark.to_string()))
    });
    if metadata.get(SETTLED) == text.as_ref() {
        return Ok(());
    }
    match text {
        Some(text) => metadata.insert(SETTLED.to_owned(), text),
        None => metadata.remove(SETTLED),
    };
    config.insert("metadata".to_owned(), metadata.into());
    let request = json!({ "stream_name": stream, "config": config, "action": "update" });
    let _updated: Value = link
        .api(&format!("CONSUMER.CREATE.{stream}.{name}"), &request)
        .await?;
    Ok(())
}

/// When the event at this position was stored, if there is one.
async fn stored(
    link: &Link,
    durable: &Durable,
    position: Position,
) -> Result<Option<SystemTime>, ApiError> {
    #[derive(Deserialize)]
    struct Answer {
        message: Stored,
    }
    #[derive(Deserialize)]
    struct Stored {
        time: String,
    }
    let subject = format!("STREAM.MSG.GET.{}", durable.stream);
    match link
        .api::<Answer>(&subject, &json!({ "seq": position }))
        .await
    {
        Ok(answer) => Ok(humantime::parse_rfc3339(&answer.message.time).ok()),
        Err(ApiError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(floor: Position, settled: Vec<Position>) -> Mark {
        let position = settled.last().copied().unwrap_or(floor);
        let seen = Seen {
            position,
            nanoseconds: 1_700_000_000_000_000_001,
        };
        Mark {
            created: 1_600_000_000_000_000_000,
            floor,
            seen,
            settled,
        }
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for (floor, settled) in [
            (0, vec![1]),
            (7, vec![9, 15, 16, 17, 400]),
            (u64::MAX - 9, vec![u64::MAX]),
        ] {
            let mark = mark(floor, settled);
            assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
        }
        let text = mark(7, vec![9, 16]).to_string();
        assert_eq!(text, "1600000000000000000/7/16/1700000000000000001/AgE=");
        for bad in ["", "1/2/3/4", "1/2/3/4/%", "x/2/3/4/AgE=", "1/-2/3/4/AgE="] {
            assert_eq!(Mark::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_mark_holds_a_whole_window_and_the_oldest_of_more() {
        let window = mark(10, (12..12 + 65_536).collect());
        let text = window.to_string();
        assert!(text.len() < 11 * 1024 + 100, "{} bytes", text.len());
        assert_eq!(Mark::parse(&text), Some(window));
        let most = BITMAP as u64 * 8;
        let text = mark(0, vec![1, most, most + 1, u64::MAX]).to_string();
        assert!(text.len() <= 64 * 1024 + 100, "{} bytes", text.len());
        let settled = Mark::parse(&text).expect("a mark").settled;
        assert_eq!(settled, [1, most]);
    }

    #[test]
    fn nothing_beyond_what_was_seen_counts() {
        let mark = Mark::parse("1/7/9/4//w==").expect("a mark");
        assert_eq!(mark.settled, [8, 9]);
    }
}
