//! What the pool has no room for stays at the broker, and comes when there is room.

use crate::event::Message;
use crate::handler::{Ending, Retry};
use crate::observe::Problem;
use crate::pool::Limits;
use crate::testing::conformance::error::{Fault, Kept, ensure};
use crate::testing::conformance::member::{Handle, Plan, ROOMY, asking};
use crate::testing::conformance::stage::{Stage, event};
use crate::testing::conformance::traffic::{Deed, Traffic};
use fastrand::Rng;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Bounds that are tried.
const ROUNDS: u32 = 20;
/// How long nothing may happen while there are events: less than after what time a client looks whether it was
/// forgotten, since that hides a lost wake-up.
const STALL: Duration = Duration::from_secs(8);

pub(in crate::testing::conformance) async fn a_full_pool_stops_delivery(stage: &Stage) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let limits = Limits {
        in_flight: 4,
        buffer: 16,
        ..ROOMY
    };
    let bound = limits.in_flight + limits.buffer;
    let plan = Plan {
        limits,
        ..Plan::new().on(topic, &group, &handle)
    };
    let member = stage.member(plan).await?;
    for number in 0..300 {
        stage
            .publish(
                &*member.transport,
                event(topic, &format!("k{number}"), number),
            )
            .await?;
    }
    let what = "all handlers to be at work";
    stage
        .until(what, || member.load().in_flight == limits.in_flight)
        .await?;
    for number in 0..300 {
        let what = format!("the event after {number} of 300, behind a pool that was full");
        let arrival = stage.within(&what, arrivals.recv()).await?;
        let held = member.held();
        ensure!(
            held <= bound,
            "{held} events are held, with {} handlers and a buffer of {}: the transport delivered more than it \
             had reserved",
            limits.in_flight,
            limits.buffer
        );
        arrival
            .ok_or_else(|| Fault("the handler is gone".into()))?
            .done();
    }
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn delivery_resumes_by_itself(stage: &Stage) -> Kept {
    for round in 0..ROUNDS {
        let seed = fastrand::u64(..);
        let resumed = one_round(stage, round, &mut Rng::with_seed(seed)).await;
        resumed
            .map_err(|Fault(why)| Fault(format!("round {round} with the seed {seed}: {why}")))?;
    }
    Ok(())
}

/// Events of any size through bounds of any size, some of them failing once.
async fn one_round(stage: &Stage, round: u32, random: &mut Rng) -> Kept {
    let topics = ["one", "two"].map(|name| stage.topic(&format!("{name}{round}")));
    let group = stage.group(&format!("g{round}"));
    let traffic = Traffic::new(&[(topics[0], &group), (topics[1], &group)]);
    let fails = random.u64(2..12);
    let handle = traffic.handler(move |number| {
        if number % fails == 0 {
            Deed::FailOnce
        } else {
            Deed::Settle
        }
    });
    let limits = Limits {
        in_flight: random.usize(1..5),
        buffer: random.usize(1..9),
        buffer_bytes: random.usize(1..4000),
        delayed: random.usize(1..4),
        brake: None,
    };
    let plan = Plan {
        limits,
        window: random.usize(1..20),
        retry: Retry::attempts(8).backoff(Duration::from_millis(1), Duration::from_millis(2)),
        ..Plan::new()
            .on(topics[0], &group, &handle)
            .on(topics[1], &group, &handle)
    };
    let member = stage.member(plan).await?;
    let keys = ["a", "b", "c", "d"];
    for _ in 0..60 {
        let (topic, key) = (
            topics[random.usize(0..2)],
            keys[random.usize(0..keys.len())],
        );
        let message: Message = traffic.next(topic, key, random.usize(0..3000));
        stage.publish(&*member.transport, message).await?;
    }
    traffic
        .keeps_settling(stage, STALL)
        .await
        .map_err(|Fault(why)| Fault(format!("{why}; bounds {limits:?}, {:?}", member.load())))?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean()
}

pub(in crate::testing::conformance) async fn an_event_larger_than_the_byte_budget_arrives(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let traffic = Traffic::new(&[(topic, &group)]);
    let plan = Plan {
        limits: Limits {
            buffer_bytes: 1024,
            ..ROOMY
        },
        ..Plan::new().on(topic, &group, &traffic.settling())
    };
    let member = stage.member(plan).await?;
    for number in 0..40 {
        let size = if number % 4 == 1 { 64 * 1024 } else { 100 };
        for key in ["a", "b"] {
            stage
                .publish(&*member.transport, traffic.next(topic, key, size))
                .await?;
        }
    }
    traffic.settled(stage).await?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean()
}

pub(in crate::testing::conformance) async fn a_full_window_stops_its_source_alone(
    stage: &Stage,
) -> Kept {
    const WINDOW: usize = 32;
    let (topic, other) = (stage.topic("stuck"), stage.topic("other"));
    let (group, other_group) = (stage.group("stuck"), stage.group("other"));
    let (open, gate) = watch::channel(false);
    let arrived = Arc::<Mutex<Vec<Arc<str>>>>::default();
    let handle = all_but_the_first(&arrived, gate);
    let (other_handle, mut other_arrivals) = asking();
    let plan = Plan {
        window: WINDOW,
        ..Plan::new()
            .on(topic, &group, &handle)
            .on(other, &other_group, &other_handle)
    };
    let member = stage.member(plan).await?;
    let arrivals = || {
        arrived
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    };

    stage
        .publish(&*member.transport, event(topic, "stuck", "stuck"))
        .await?;
    stage
        .until("the first event", || !arrivals().is_empty())
        .await?;
    let source = Arc::clone(&arrivals()[0]);
    let behind = || arrivals().iter().filter(|of| **of == source).count() - 1;
    // More than every source of the topic can take, were there as many as keys.
    let others = WINDOW * 16;
    for number in 0..others {
        let key = format!("k{}", number % 100);
        stage
            .publish(&*member.transport, event(topic, &key, number))
            .await?;
    }
    let is_full = |problem: &Problem| matches!(problem, Problem::WindowFull { source: full, .. } if **full == *source);
    let what =
        "the source of the stuck event to stop at its window, and the health report to say so";
    stage
        .until(what, || member.problems().iter().any(is_full))
        .await?;
    let what = "events behind the stuck one";
    stage.until(what, || behind() > 0).await?;

    for number in 0..10 {
        stage
            .publish(&*member.transport, event(other, "k", number))
            .await?;
        let arrival = stage
            .within("events of another source", other_arrivals.recv())
            .await?;
        arrival
            .ok_or_else(|| Fault("the handler is gone".into()))?
            .done();
    }
    ensure!(
        behind() < WINDOW,
        "{} events came behind the stuck one of `{source}`, whose window is {WINDOW}",
        behind()
    );
    open.send_replace(true);
    let what = "the source to go on, once its stuck event was settled";
    stage.until(what, || arrivals().len() == others + 1).await?;
    member.end(stage.suite().patient_for()).await
}

/// A handler that notes each event's source, and holds the first event until the gate opens.
fn all_but_the_first(arrived: &Arc<Mutex<Vec<Arc<str>>>>, gate: watch::Receiver<bool>) -> Handle {
    let arrived = Arc::clone(arrived);
    Arc::new(move |_, metadata| {
        let is_first = {
            let mut arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
            arrived.push(metadata.source);
            arrived.len() == 1
        };
        let mut gate = gate.clone();
        Box::pin(async move {
            if is_first {
                // The gate's end is the part's.
                drop(gate.wait_for(|open| *open).await);
            }
            Ending::Done
        })
    })
}
