//! Failure, retry in place, and dead letters.

use super::same::{headers, keys, payloads, same};
use crate::delivery::additions::NAMES as ADDITIONS;
use crate::delivery::{DeadReason, Intake};
use crate::event::{Key, Message};
use crate::observe::Problem;
use crate::testing::conformance::error::{Fault, Kept, ensure};
use crate::testing::conformance::member::{Arrival, Plan, asking};
use crate::testing::conformance::stage::{Stage, event};
use crate::transport::{
    BoxFuture, Buried, Capabilities, Confirm, Consumer, DEAD_LETTER_ROOM, Destination, Leftover,
    Outgoing, Subscription, Transport, TransportError,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(super) async fn next(
    stage: &Stage,
    what: &str,
    arrivals: &mut mpsc::UnboundedReceiver<Arrival>,
) -> Kept<Arrival> {
    let arrival = stage.within(what, arrivals.recv()).await?;
    arrival.ok_or_else(|| Fault("the handler is gone".into()))
}

pub(in crate::testing::conformance) async fn a_failed_event_is_retried_in_place(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    for number in 0..5 {
        for key in ["failing", "well"] {
            let text = format!("{key} {number}");
            stage
                .publish(&*member.transport, event(topic, key, text))
                .await?;
        }
    }
    // The failing key's event 1 fails three times, each only when the other key has gone on.
    let (mut failing, mut well, mut failed) = (Vec::new(), Vec::new(), None);
    while failing.len() < 8 || well.len() < 5 {
        let arrival = next(stage, "the events of two keys", &mut arrivals).await?;
        let text = arrival.text();
        if text.starts_with("well") {
            well.push(text);
            arrival.done();
        } else {
            failing.push(format!("{text}, attempt {}", arrival.metadata.attempt));
            if text == "failing 1" && arrival.metadata.attempt <= 3 {
                failed = Some(arrival);
            } else {
                arrival.done();
            }
        }
        if well.len() >= 5
            && let Some(arrival) = failed.take()
        {
            arrival.fail("not yet");
        }
    }
    let expected = [
        "failing 0, attempt 1",
        "failing 1, attempt 1",
        "failing 1, attempt 2",
        "failing 1, attempt 3",
        "failing 1, attempt 4",
        "failing 2, attempt 1",
        "failing 3, attempt 1",
        "failing 4, attempt 1",
    ];
    ensure!(failing == expected, "the failing key ran as {failing:?}");
    ensure!(
        well == ["well 0", "well 1", "well 2", "well 3", "well 4"],
        "the other key ran as {well:?}"
    );
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn dead_letters_are_kept_byte_for_byte(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    let transport = Arc::clone(&member.transport);
    let listed = stage.letters(&*transport, &group, 10).await?;
    ensure!(
        listed.is_empty(),
        "a new group has dead letters: {listed:?}"
    );

    let mut order = Vec::new();
    let mut published = HashMap::new();
    let kinds = keys().into_iter().zip(payloads().into_iter().cycle());
    for ((key, payload), headers) in kinds.zip(headers().into_iter().cycle()) {
        let mut message = Message::new(topic, key, payload);
        message.headers = headers;
        stage.publish(&*transport, message.clone()).await?;
        let arrival = next(stage, "each event", &mut arrivals).await?;
        let position = format!("{}/{}", arrival.metadata.source, arrival.metadata.position);
        arrival.dead("beyond repair: é");
        let what = "the dead letter to be stored, and its event to be settled";
        stage.until(what, || member.held() == 0).await?;
        order.push(message.id.clone());
        published.insert(message.id.clone(), (message, position));
    }

    let letters = stage.letters(&*transport, &group, order.len() + 10).await?;
    ensure!(
        letters.len() == order.len(),
        "{} dead letters are listed of {} that were stored",
        letters.len(),
        order.len()
    );
    for letter in &letters {
        let Some((original, position)) = published.get(&letter.id) else {
            return Err(Fault(format!(
                "the dead letter with the id `{}` belongs to no event",
                letter.id
            )));
        };
        same(letter, original, &ADDITIONS)?;
        let says = |name: &str, expected: &str| {
            let found = letter.headers.get(name).unwrap_or("(nothing)");
            ensure!(
                found == expected,
                "a dead letter's `{name}` is `{found}` instead of `{expected}`"
            );
            Ok(())
        };
        says("bus-dead-id", original.id.as_str())?;
        says("bus-dead-topic", topic)?;
        says("bus-dead-position", position)?;
        says("bus-dead-group", &group)?;
        says("bus-dead-handler", "conformance::handler")?;
        says("bus-dead-reason", DeadReason::Permanent.as_str())?;
        says("bus-dead-error", "beyond repair: \\u{e9}")?;
        says("bus-dead-attempts", "1")?;
        for name in ["bus-dead-time", "bus-dead-at"] {
            let time = letter.headers.get(name).map(humantime::parse_rfc3339);
            ensure!(
                matches!(time, Some(Ok(_))),
                "a dead letter's `{name}` is no time: {time:?}"
            );
        }
    }
    let oldest = stage.letters(&*transport, &group, 2).await?;
    let oldest: Vec<_> = oldest.iter().map(|letter| &letter.id).collect();
    ensure!(
        oldest == [&order[0], &order[1]],
        "the two oldest dead letters are {:?}, not {oldest:?}",
        &order[..2]
    );
    let others = stage
        .letters(&*transport, &stage.group("other"), 10)
        .await?;
    ensure!(
        others.is_empty(),
        "another group lists the dead letters of this one"
    );
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn an_event_is_settled_after_its_dead_letter_is_stored(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let refusing = Arc::new(AtomicBool::new(true));
    let transport: Arc<dyn Transport> = Arc::new(Refusing {
        inner: stage.connect().await?,
        refuses: Arc::clone(&refusing),
    });
    let member = stage
        .member_on(transport, Plan::new().on(topic, &group, &handle))
        .await?;
    for text in ["dead", "behind"] {
        stage
            .publish(&*member.transport, event(topic, "k", text))
            .await?;
    }
    next(stage, "the first event", &mut arrivals)
        .await?
        .dead("no");
    let refused = |problem: &Problem| matches!(problem, Problem::DeadLetterRefused { .. });
    let what = "the refused dead letter in the health report";
    stage
        .until(what, || member.problems().iter().any(refused))
        .await?;
    stage
        .publish(&*member.transport, event(topic, "other", "other"))
        .await?;
    let other = next(stage, "an event of another key", &mut arrivals).await?;
    ensure!(
        other.text() == "other",
        "the event behind one whose dead letter is not stored ran: {}",
        other.text()
    );
    other.done();
    let listed = stage.letters(&*member.transport, &group, 10).await?;
    ensure!(
        listed.is_empty(),
        "a dead letter is listed that was refused"
    );

    refusing.store(false, Ordering::Release);
    let behind = next(
        stage,
        "the event behind, once the dead letter is stored",
        &mut arrivals,
    );
    let behind = behind.await?;
    ensure!(
        behind.text() == "behind",
        "`{}` came instead of the event behind the dead letter",
        behind.text()
    );
    let listed = stage.letters(&*member.transport, &group, 10).await?;
    ensure!(
        listed.len() == 1,
        "{} dead letters are listed when the next event of the key runs",
        listed.len()
    );
    behind.done();
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn a_dead_letter_of_the_largest_event_fits(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    let limit = member.transport.capabilities().max_event;
    let payload = vec![b'x'; limit.saturating_sub(DEAD_LETTER_ROOM)];
    let message = Message::new(topic, Key::of("k"), payload);
    stage.publish(&*member.transport, message.clone()).await?;
    let reason = "a long story ".repeat(1000);
    next(stage, "the largest event", &mut arrivals)
        .await?
        .dead(&reason);
    let what = "the dead letter to be stored, and its event to be settled";
    stage.until(what, || member.held() == 0).await?;
    let letters = stage.letters(&*member.transport, &group, 2).await?;
    ensure!(
        letters.len() == 1,
        "{} dead letters are listed of 1 that was stored",
        letters.len()
    );
    same(&letters[0], &message, &ADDITIONS)?;
    for name in ["bus-dead-topic", "bus-dead-position", "bus-dead-reason"] {
        ensure!(
            letters[0].headers.get(name).is_some(),
            "the dead letter of the largest event has no `{name}`"
        );
    }
    member.end(stage.suite().patient_for()).await
}

/// A transport that refuses dead letters for as long as it is told to.
#[derive(Debug)]
struct Refusing {
    inner: Arc<dyn Transport>,
    refuses: Arc<AtomicBool>,
}

impl Transport for Refusing {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn consume(
        &self,
        subscription: Subscription,
        intake: Intake,
    ) -> BoxFuture<'_, Result<Box<dyn Consumer>, TransportError>> {
        self.inner.consume(subscription, intake)
    }

    fn publish(&self, outgoing: Outgoing, confirm: Confirm) {
        let dead = matches!(outgoing.destination, Destination::DeadLetters { .. });
        if dead && self.refuses.load(Ordering::Acquire) {
            confirm.answer(Err(TransportError::Refused("not now".into())));
        } else {
            self.inner.publish(outgoing, confirm);
        }
    }

    fn buried(&self) -> &dyn Buried {
        self.inner.buried()
    }

    fn close(&self, deadline: Instant) -> BoxFuture<'_, Leftover> {
        self.inner.close(deadline)
    }
}
