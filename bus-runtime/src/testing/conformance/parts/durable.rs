//! What survives the process.

use crate::testing::conformance::error::{Fault, Kept, ensure};
use crate::testing::conformance::member::{Plan, asking};
use crate::testing::conformance::stage::{Stage, event};
use crate::testing::conformance::traffic::{Deed, Traffic};
use crate::transport::{Confirm, Destination, Outgoing};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

const KEYS: [&str; 5] = ["a", "b", "", "d", "Grüße"];

pub(in crate::testing::conformance) async fn a_new_group_starts_at_the_earliest_event(
    stage: &Stage,
) -> Kept {
    let (topic, groups) = (
        stage.topic("t"),
        [stage.group("first"), stage.group("second")],
    );
    let traffic = Traffic::new(&[(topic, &groups[0]), (topic, &groups[1])]);
    let publisher = stage.connect().await?;
    for _ in 0..20 {
        for key in KEYS {
            traffic.publish(stage, &*publisher, topic, key).await?;
        }
    }
    stage.close(&*publisher).await?;
    for group in &groups {
        let member = stage
            .member(Plan::new().on(topic, group, &traffic.settling()))
            .await?;
        for key in KEYS {
            traffic
                .publish(stage, &*member.transport, topic, key)
                .await?;
        }
        let unsettled = || {
            let findings = traffic.findings();
            let mine = |event: &&String| event.starts_with(&**group);
            findings.lost.iter().filter(mine).count()
        };
        let what = "everything published before the group's first start";
        stage.until(what, || unsettled() == 0).await?;
        // Its last ones may be settled for the ledger and not yet for the bus.
        stage
            .until("the pool to be empty", || member.held() == 0)
            .await?;
        member.end(stage.suite().patient_for()).await?;
    }
    let rest = stage
        .member(Plan::new().on(topic, &groups[0], &traffic.settling()))
        .await?;
    traffic.settled(stage).await?;
    rest.end(stage.suite().patient_for()).await?;
    traffic.clean()
}

pub(in crate::testing::conformance) async fn what_was_confirmed_is_stored(stage: &Stage) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let publisher = stage.connect().await?;
    let (answer, mut answers) = mpsc::unbounded_channel();
    for number in 0..500_u32 {
        let answer = answer.clone();
        let outgoing = Outgoing {
            from_handler: false,
            message: event(topic, &(number % 9).to_string(), number),
            destination: Destination::Topic,
            deadline: Instant::now() + stage.suite().patient_for(),
        };
        let confirm = Confirm::new(move |result| {
            // Nobody listens any more where the part has failed.
            let _ = answer.send((number, result.is_ok()));
        });
        publisher.publish(outgoing, confirm);
    }
    drop(answer);
    stage.close(&*publisher).await?;
    let mut confirmed = BTreeSet::new();
    while let Some((number, stored)) = stage.within("the answers", answers.recv()).await? {
        if stored {
            confirmed.insert(number.to_string());
        }
    }
    let (handle, mut arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    while !confirmed.is_empty() {
        let what = format!("{} events that were confirmed", confirmed.len());
        let arrival = stage.within(&what, arrivals.recv()).await?;
        let arrival = arrival.ok_or_else(|| Fault("the handler is gone".into()))?;
        confirmed.remove(&arrival.text());
        arrival.done();
    }
    member.end(stage.suite().patient_for()).await
}

/// Holds the events from this number on.
fn from(first: u64) -> impl Fn(u64) -> Deed + Send + Sync + 'static {
    move |number| {
        if number >= first {
            Deed::Hold
        } else {
            Deed::Settle
        }
    }
}

async fn publish_rounds(
    stage: &Stage,
    traffic: &Traffic,
    topic: &'static str,
    rounds: usize,
) -> Kept {
    let publisher = stage.connect().await?;
    for _ in 0..rounds {
        for key in KEYS {
            traffic.publish(stage, &*publisher, topic, key).await?;
        }
    }
    stage.close(&*publisher).await
}

/// Waits until so many events are settled, and every key's next one is at a handler that holds it.
async fn settled_up_to(
    stage: &Stage,
    traffic: &Traffic,
    each: usize,
    in_flight: impl Fn() -> usize,
) -> Kept {
    let settled = (each * KEYS.len()) as u64;
    let what = "the first events to be settled, and the next ones to be at their handlers";
    let reached = || traffic.findings().settled == settled && in_flight() == KEYS.len();
    stage.until(what, reached).await
}

pub(in crate::testing::conformance) async fn what_was_not_settled_comes_again(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let traffic = Traffic::new(&[(topic, &group)]);
    publish_rounds(stage, &traffic, topic, 10).await?;
    // Three of each key are settled, then two more, by a second process.
    for settled in [3, 5] {
        let handle = traffic.handler(from(settled as u64 + 1));
        let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
        settled_up_to(stage, &traffic, settled, || member.load().in_flight).await?;
        // What is published between the end of intake and the end is for the next one.
        member.stop_intake();
        for key in KEYS {
            traffic
                .publish(stage, &*member.transport, topic, key)
                .await?;
        }
        member.cancel(stage.suite().patient_for()).await?;
    }
    let member = stage
        .member(Plan::new().on(topic, &group, &traffic.settling()))
        .await?;
    traffic.settled(stage).await?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean()?;

    let member = stage
        .member(Plan::new().on(topic, &group, &traffic.settling()))
        .await?;
    for key in KEYS {
        traffic
            .publish(stage, &*member.transport, topic, key)
            .await?;
    }
    traffic.settled(stage).await?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean()
}

pub(in crate::testing::conformance) async fn what_was_released_comes_again_on_the_same_connection(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let traffic = Traffic::new(&[(topic, &group)]);
    publish_rounds(stage, &traffic, topic, 10).await?;
    let transport = stage.connect().await?;
    for settled in [2, 4, 6] {
        let handle = traffic.handler(from(settled as u64 + 1));
        let plan = Plan::new().on(topic, &group, &handle);
        let mut member = stage.member_on(Arc::clone(&transport), plan).await?;
        settled_up_to(stage, &traffic, settled, || member.load().in_flight).await?;
        member.stop_intake();
        stage
            .within("the pool to let go of its events", member.release_all())
            .await?;
        let deadline = Instant::now() + stage.suite().patient_for();
        let left = member.close_consumers(deadline).await?;
        ensure!(
            left.0.is_empty(),
            "closing a consumer left something behind: {}",
            left.0.join(", ")
        );
    }
    let plan = Plan::new().on(topic, &group, &traffic.settling());
    let member = stage.member_on(transport, plan).await?;
    traffic.settled(stage).await?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean()
}

pub(in crate::testing::conformance) async fn a_crash_loses_nothing(stage: &Stage) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let traffic = Traffic::new(&[(topic, &group)]);
    publish_rounds(stage, &traffic, topic, 10).await?;
    for settled in [0, 3, 5] {
        // The process: what runs on this runtime ends where it is, without a chance to say anything.
        let process = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| Fault(format!("no runtime: {error}")))?;
        let handle = traffic.handler(from(settled as u64 + 1));
        let begun = {
            let (stage, group) = (stage.clone(), Arc::clone(&group));
            process.spawn(async move { stage.member(Plan::new().on(topic, &group, &handle)).await })
        };
        let begun = begun
            .await
            .unwrap_or_else(|error| Err(Fault(format!("a panic: {error}"))));
        let reached = match &begun {
            Ok(member) => settled_up_to(stage, &traffic, settled, || member.load().in_flight).await,
            Err(_) => Ok(()),
        };
        // Off this runtime's threads: it waits until the other's have stopped, so that no handler of the dead
        // process is still at work when its successor starts.
        let patience = stage.suite().patient_for();
        let stopped = spawn_blocking(move || process.shutdown_timeout(patience)).await;
        stopped.map_err(|error| Fault(format!("a panic: {error}")))?;
        drop(begun?);
        reached?;
    }
    let member = stage
        .member(Plan::new().on(topic, &group, &traffic.settling()))
        .await?;
    traffic.settled(stage).await?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean_but_repeated()
}
