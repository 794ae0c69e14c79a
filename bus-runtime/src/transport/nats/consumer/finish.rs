//! The end of a consumer: the last acknowledgements, and word for the next run.

use super::{ANSWER, ConsumerLoop, GATHER, Generation, REMEMBER, present, publish_all};
use crate::bus::Provision;
use crate::transport::Leftover;
use crate::transport::nats::acks::{ACK, Delivered};
use crate::transport::nats::api::ApiError;
use crate::transport::nats::link::Link;
use crate::transport::nats::mark::{self, Mark};
use crate::transport::nats::setup::Durable;
use async_nats::Subject;
use async_nats::jetstream::consumer::Info;
use bytes::Bytes;
use serde_json::json;
use tokio::time::{Instant, timeout, timeout_at};

impl ConsumerLoop {
    /// The last acknowledgements, and the server's word that it has them.
    pub(super) async fn finish(
        mut self,
        current: Option<Generation>,
        deadline: Instant,
    ) -> Leftover {
        let mut link = current.map(|current| current.link);
        let confirmed = timeout_at(deadline, async {
            loop {
                let sent_before = link.is_some();
                let on = match link.take() {
                    Some(link) => link,
                    None => present(&mut self.links).await?,
                };
                if !sent_before {
                    let acks = self.last_acks.clone();
                    publish_all(&on, acks, ACK).await;
                }
                self.acknowledge(&on).await;
                let Some(last) = self.last_ack.clone() else {
                    return Some(on);
                };
                // The server takes acknowledgements in order: its answer to the last one is for all.
                let request = on.client.request(last.clone(), Bytes::from_static(ACK));
                match timeout(ANSWER, on.until_lost(request)).await {
                    Ok(Some(Ok(_))) => return Some(on),
                    Err(_) if self.is_forgotten(&on, &last).await => return Some(on),
                    // Not a quick loop: lost connections are replaced with a wait, and requests take their time.
                    _ => on.until_lost(tokio::time::sleep(GATHER)).await,
                };
                link = Some(on).filter(|on| !on.lost.is_cancelled());
            }
        });
        if let Ok(Some(link)) = confirmed.await {
            self.remember(&link, deadline).await;
            return Leftover::default();
        }
        let group = &self.group;
        Leftover(vec![format!(
            "the last acknowledgements of group `{group}`: the server has not confirmed them"
        )])
    }

    /// Leaves word for the next run of what is settled above the floor, if the server takes it in time.
    async fn remember(&self, link: &Link, deadline: Instant) {
        let mut settled = Vec::new();
        self.source.settled_above(&mut |position| {
            if self.seen.is_some_and(|seen| position <= seen.position) {
                settled.push(position);
            }
        });
        if settled.is_empty() && self.durable.settled.is_none() {
            return;
        }
        let mark = self
            .seen
            .zip(self.stream_created)
            .map(|(seen, created)| Mark {
                created,
                floor: self.floor,
                seen,
                settled,
            });
        // What the last run wrote is all that there is to say: nothing is asked of the server.
        if mark.as_ref().map(Mark::to_string) == self.durable.settled {
            return;
        }
        let why = if self.options.provision == Provision::None {
            "`provision` is `none`".to_owned()
        } else {
            // A frozen server, or one that lets this user not ask, does not hold up the end for long.
            let by = deadline.min(Instant::now() + REMEMBER);
            match timeout_at(by, mark::write(link, &self.durable, mark)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the server has not answered".to_owned(),
            }
        };
        tracing::info!(
            group = &*self.group,
            "what is settled behind an unsettled event is not written down, and may be handled again after the next \
             start: {why}"
        );
    }

    /// Whether the server no longer knows that it delivered the event of this acknowledgement: it was killed
    /// before it had written that down. It never answers then, and delivers the event again.
    async fn is_forgotten(&self, link: &Link, ack: &Subject) -> bool {
        let Some(acknowledged) = Delivered::parse(ack) else {
            return false;
        };
        let Durable { name, stream, .. } = &self.durable;
        let info: Result<Info, ApiError> = link
            .api(&format!("CONSUMER.INFO.{stream}.{name}"), &json!({}))
            .await;
        info.is_ok_and(|info| info.delivered.consumer_sequence < acknowledged.number)
    }
}
