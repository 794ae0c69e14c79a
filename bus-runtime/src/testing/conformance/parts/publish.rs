//! Every publish has one answer.

use crate::event::{Key, Message};
use crate::testing::conformance::error::{Fault, Kept, ensure};
use crate::testing::conformance::member::{Plan, asking};
use crate::testing::conformance::stage::{Stage, event};
use crate::transport::{
    Confirm, DEAD_LETTER_ROOM, Destination, Outgoing, Receipt, Transport, TransportError,
};
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use tokio::time::Instant;

type Answers = mpsc::UnboundedReceiver<(u32, Result<Receipt, TransportError>)>;

pub(in crate::testing::conformance) async fn every_publish_is_answered_once(stage: &Stage) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, _arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    let transport = member.transport.clone();
    let (answer, mut answers) = mpsc::unbounded_channel();
    let publish = |number: u32| {
        let answer = answer.clone();
        let outgoing = Outgoing {
            from_handler: false,
            message: event(topic, &(number % 7).to_string(), number),
            destination: Destination::Topic,
            deadline: Instant::now() + stage.suite().patient_for(),
        };
        // Nobody listens any more where the part has failed.
        let confirm = Confirm::new(move |result| drop(answer.send((number, result))));
        transport.publish(outgoing, confirm);
    };

    (0..1000).for_each(publish);
    for (number, answer) in answered(stage, &mut answers, 1000).await? {
        ensure!(
            answer.is_ok(),
            "the publish {number} of 1000 under way together was answered with `{}`",
            answer
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        );
    }
    // The consumer is closed, the connection is not: what is published now is open when it closes.
    member.release_all().await;
    let mut member = member;
    let deadline = Instant::now() + stage.suite().patient_for();
    // What was delivered and not settled may be named here: on a broker in memory it is lost.
    member.close_consumers(deadline).await?;
    (1000..1200).for_each(publish);
    stage.close(&*transport).await?;
    answered(stage, &mut answers, 200).await?;
    Ok(())
}

/// So many answers, each to another publish, and no more.
async fn answered(
    stage: &Stage,
    answers: &mut Answers,
    count: usize,
) -> Kept<BTreeMap<u32, Result<Receipt, TransportError>>> {
    let mut found = BTreeMap::new();
    while found.len() < count {
        let missing = count - found.len();
        let what = format!("the answers to {missing} of {count} publishes");
        let answer = stage.within(&what, answers.recv()).await?;
        let (number, answer) = answer.ok_or_else(|| Fault("nobody answers any more".into()))?;
        ensure!(
            found.insert(number, answer).is_none(),
            "the publish {number} was answered twice"
        );
    }
    Ok(found)
}

pub(in crate::testing::conformance) async fn publishing_after_the_end_is_refused(
    stage: &Stage,
) -> Kept {
    let topic = stage.topic("t");
    let transport = stage.connect().await?;
    stage.close(&*transport).await?;
    let answer = stage
        .try_publish(&*transport, event(topic, "k", "late"))
        .await?;
    ensure!(
        matches!(answer, Err(TransportError::Closed)),
        "a publish after the transport's `close` was answered with {answer:?} instead of `Closed`"
    );
    Ok(())
}

pub(in crate::testing::conformance) async fn what_is_too_large_is_refused(stage: &Stage) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    let transport: &dyn Transport = &*member.transport;
    let limit = transport.capabilities().max_event;
    let sized = |bytes: usize| Message::new(topic, Key::NONE, vec![b'x'; bytes]);

    for over in [1, limit] {
        let answer = stage.try_publish(transport, sized(limit + over)).await?;
        ensure!(
            matches!(answer, Err(TransportError::TooLarge { .. })),
            "a payload of {over} bytes more than `max_event`, which is {limit}, was answered with {answer:?}"
        );
    }
    let largest = limit.saturating_sub(DEAD_LETTER_ROOM);
    for size in [largest, 1] {
        stage.publish(transport, sized(size)).await?;
        let arrival = stage
            .within(&format!("an event of {size} bytes"), arrivals.recv())
            .await?;
        let arrival = arrival.ok_or_else(|| Fault("the handler is gone".into()))?;
        let found = arrival.message.payload.len();
        ensure!(
            found == size,
            "an event of {size} bytes was expected, and one of {found} arrived"
        );
        arrival.done();
    }
    member.end(stage.suite().patient_for()).await
}
