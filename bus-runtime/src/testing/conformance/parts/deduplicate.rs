//! An id is stored once.

use crate::testing::conformance::error::{Fault, Kept, ensure};
use crate::testing::conformance::member::{Plan, asking};
use crate::testing::conformance::stage::{Stage, event};
use crate::transport::Destination;

pub(in crate::testing::conformance) async fn an_id_is_stored_once(stage: &Stage) -> Kept {
    let topics = [stage.topic("one"), stage.topic("two")];
    let group = stage.group("g");
    let (handle, mut arrivals) = asking();
    let plan = Plan::new()
        .on(topics[0], &group, &handle)
        .on(topics[1], &group, &handle);
    let member = stage.member(plan).await?;
    let publish = async |topic, text: &str, id: &str, duplicate: bool| {
        let mut message = event(topic, "k", text);
        message.id = id.into();
        let receipt = stage.publish(&*member.transport, message).await?;
        ensure!(
            receipt.duplicate == duplicate,
            "the receipt of `{text}` with the id `{id}` says `duplicate: {}`",
            receipt.duplicate
        );
        Ok(())
    };
    publish(topics[0], "first", "id-1", false).await?;
    publish(topics[0], "again", "id-1", true).await?;
    publish(topics[1], "other topic", "id-1", false).await?;
    publish(topics[0], "other id", "id-2", false).await?;
    publish(topics[0], "again", "id-1", true).await?;
    publish(topics[0], "end", "id-3", false).await?;
    publish(topics[1], "end", "id-3", false).await?;

    let mut texts = [Vec::new(), Vec::new()];
    while texts
        .iter()
        .any(|texts| texts.last().is_none_or(|last| last != "end"))
    {
        let arrival = stage.within("the events", arrivals.recv()).await?;
        let arrival = arrival.ok_or_else(|| Fault("the handler is gone".into()))?;
        let at = usize::from(*arrival.message.topic == *topics[1]);
        texts[at].push(arrival.text());
        arrival.done();
    }
    ensure!(
        texts[0] == ["first", "other id", "end"] && texts[1] == ["other topic", "end"],
        "one topic has {:?}, the other {:?}",
        texts[0],
        texts[1]
    );
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn a_dead_letter_is_stored_once(stage: &Stage) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, _arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    for (id, duplicate) in [("1", false), ("1", true), ("2", false), ("1", true)] {
        let destination = Destination::DeadLetters {
            group: group.clone(),
            id: format!("{group}/{topic}/{id}").into(),
        };
        // The event's own id is another at each attempt: it does not identify the dead letter.
        let message = event(topic, "k", id);
        let stored = stage
            .send(&*member.transport, message, destination)
            .await??;
        ensure!(
            stored.duplicate == duplicate,
            "the receipt of a dead letter says `duplicate: {}` where its id was stored {}",
            stored.duplicate,
            if duplicate { "already" } else { "never" }
        );
    }
    let listed = stage.letters(&*member.transport, &group, 10).await?;
    let listed: Vec<_> = listed
        .iter()
        .map(|letter| String::from_utf8_lossy(&letter.payload).into_owned())
        .collect();
    ensure!(
        listed == ["1", "2"],
        "the dead letters 1 and 2 were stored, some of them again, and {listed:?} are listed"
    );
    member.end(stage.suite().patient_for()).await
}
