//! Everything arrives, as it was published, at everyone.

use super::same::{headers, keys, largest_key, payloads, same};
use crate::event::Message;
use crate::testing::conformance::error::{Fault, Kept, ensure};
use crate::testing::conformance::member::{Plan, asking};
use crate::testing::conformance::stage::{Stage, event};
use crate::testing::conformance::traffic::Traffic;
use crate::transport::TransportError;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

/// How far the broker's clock may be from ours.
const CLOCKS: Duration = Duration::from_mins(10);

pub(in crate::testing::conformance) async fn everything_arrives_byte_for_byte(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("all"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;

    let mut published = HashMap::new();
    for key in keys() {
        for (payload, headers) in payloads().into_iter().zip(headers().into_iter().cycle()) {
            let mut message = Message::new(topic, key.clone(), payload);
            message.headers = headers;
            published.insert(message.id.clone(), message);
        }
    }
    let mut with_id = event(topic, "k", "an id of its own");
    with_id.id = "order/7.a b~c".into();
    published.insert(with_id.id.clone(), with_id);
    for message in published.values() {
        stage.publish(&*member.transport, message.clone()).await?;
    }

    // Arrives, or is refused at once with the reason.
    let with_largest_key = Message::new(topic, largest_key(), "the largest key");
    match stage
        .try_publish(&*member.transport, with_largest_key.clone())
        .await?
    {
        Err(TransportError::TooLarge { .. } | TransportError::Refused(_)) => {}
        Err(error) => return Err(error.into()),
        Ok(_) => drop(published.insert(with_largest_key.id.clone(), with_largest_key)),
    }

    for _ in 0..published.len() {
        let arrival = stage
            .within("every event to arrive", arrivals.recv())
            .await?;
        let arrival = arrival.ok_or_else(|| Fault("the handler is gone".into()))?;
        let Some(original) = published.get(&arrival.message.id) else {
            return Err(Fault(format!(
                "an event arrived with the id `{}`, which none was published with",
                arrival.message.id
            )));
        };
        same(&arrival.message, original, &[])?;
        let metadata = &arrival.metadata;
        ensure!(
            metadata.attempt == 1 && metadata.group == group,
            "the event {} arrived as attempt {} of group `{}`",
            metadata.id,
            metadata.attempt,
            metadata.group
        );
        let now = SystemTime::now();
        let apart = now
            .duration_since(metadata.time)
            .unwrap_or_else(|later| later.duration());
        ensure!(
            apart < CLOCKS,
            "the event {} was published now, and its time is {apart:?} away",
            metadata.id
        );
        arrival.done();
    }
    member.end(stage.suite().patient_for()).await?;
    ensure!(
        arrivals.try_recv().is_err(),
        "an event arrived more often than it was published"
    );
    Ok(())
}

pub(in crate::testing::conformance) async fn each_group_gets_everything_once(
    stage: &Stage,
) -> Kept {
    let topics = [stage.topic("one"), stage.topic("two")];
    let (both, one) = (stage.group("both"), stage.group("one"));
    let subscriptions = [(topics[0], &both), (topics[1], &both), (topics[0], &one)];
    let traffic = Traffic::new(&subscriptions);
    let handle = traffic.settling();
    let plan = subscriptions
        .iter()
        .fold(Plan::new(), |plan, (topic, group)| {
            plan.on(topic, group, &handle)
        });
    let member = stage.member(plan).await?;
    for _ in 0..30 {
        for key in ["a", "b", "c", "d", ""] {
            for topic in topics {
                traffic
                    .publish(stage, &*member.transport, topic, key)
                    .await?;
            }
        }
    }
    traffic.settled(stage).await?;
    // Whatever arrives a second time has come by the time these have.
    for key in ["a", "b", "c", "d", ""] {
        for topic in topics {
            traffic
                .publish(stage, &*member.transport, topic, key)
                .await?;
        }
    }
    traffic.settled(stage).await?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean()
}

pub(in crate::testing::conformance) async fn a_topic_that_nobody_handles_harms_nothing(
    stage: &Stage,
) -> Kept {
    let (handled, unhandled) = (stage.topic("handled"), stage.topic("unhandled"));
    let group = stage.group("g");
    let (handle, mut arrivals) = asking();
    let member = stage
        .member(Plan::new().on(handled, &group, &handle))
        .await?;
    for number in 0..100 {
        for topic in [unhandled, handled] {
            stage
                .publish(&*member.transport, event(topic, "k", number))
                .await?;
        }
    }
    for number in 0..100 {
        let arrival = stage
            .within("the events of the handled topic", arrivals.recv())
            .await?;
        let arrival = arrival.ok_or_else(|| Fault("the handler is gone".into()))?;
        ensure!(
            &*arrival.message.topic == handled && arrival.text() == number.to_string(),
            "the handler of `{handled}` expects event {number} and got {} of `{}`",
            arrival.text(),
            arrival.message.topic
        );
        arrival.done();
    }
    member.end(stage.suite().patient_for()).await
}
