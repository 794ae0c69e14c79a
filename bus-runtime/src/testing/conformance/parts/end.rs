//! The end: nothing is left, in time.

use crate::testing::conformance::error::{Fault, Kept, ensure};
use crate::testing::conformance::member::{Plan, asking};
use crate::testing::conformance::stage::{GRACE, Stage, event};
use crate::testing::conformance::traffic::{Deed, Traffic};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::{Instant, timeout_at};

pub(in crate::testing::conformance) async fn a_drain_waits_for_what_would_be_lost(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    let exhausted = || {
        join_all(
            member
                .consumers()
                .iter()
                .map(|consumer| consumer.exhausted()),
        )
    };
    let durable = member.transport.capabilities().durable;
    for number in 0..3 {
        stage
            .publish(&*member.transport, event(topic, "k", number))
            .await?;
    }
    for number in 0..3 {
        let arrival = stage.within("the events", arrivals.recv()).await?;
        let resolved = exhausted().now_or_never().is_some();
        ensure!(
            resolved == durable,
            "with {} of 3 events unsettled `exhausted` {}",
            3 - number,
            if resolved {
                "resolves, though they are lost with this process"
            } else {
                "waits, though the broker outlives this process"
            }
        );
        arrival
            .ok_or_else(|| Fault("the handler is gone".into()))?
            .done();
    }
    stage
        .within("`exhausted`, with every event settled", exhausted())
        .await?;
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn the_end_leaves_nothing(stage: &Stage) -> Kept {
    let topic = stage.topic("t");
    let groups = [stage.group("a"), stage.group("b"), stage.group("c")];
    // A runtime of its own, on which nothing else runs.
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Fault(format!("no runtime: {error}")))?;
    let ended = {
        let stage = Stage::clone(stage);
        runtime.spawn(async move {
            let subscriptions = groups.each_ref().map(|group| (topic, group));
            let traffic = Traffic::new(&subscriptions);
            for _ in 0..2 {
                let plan = subscriptions
                    .iter()
                    .fold(Plan::new(), |plan, (topic, group)| {
                        plan.on(topic, group, &traffic.settling())
                    });
                let member = stage.member(plan).await?;
                for _ in 0..20 {
                    traffic
                        .publish(&stage, &*member.transport, topic, "k")
                        .await?;
                }
                traffic.settled(&stage).await?;
                member.end(stage.suite().patient_for()).await?;
            }
            let probe = stage.connect().await?;
            stage.close(&*probe).await?;
            if probe.capabilities().durable {
                // Also with events held, which go back to the broker.
                let handle = traffic.handler(|_| Deed::Hold);
                let plan = Plan::new().on(topic, &groups[0], &handle);
                let member = stage.member(plan).await?;
                traffic
                    .publish(&stage, &*member.transport, topic, "k")
                    .await?;
                stage
                    .until("an event to be held", || member.load().in_flight == 1)
                    .await?;
                return member.cancel(stage.suite().patient_for()).await;
            }
            traffic.clean()
        })
    };
    let ended = ended
        .await
        .unwrap_or_else(|error| Err(Fault(format!("a panic: {error}"))));
    // A task that has ended is counted a moment longer.
    let tasks = || runtime.metrics().num_alive_tasks();
    let gone = match &ended {
        Ok(()) => stage.until("every task to end", || tasks() == 0).await,
        Err(_) => Ok(()),
    };
    let left = tasks();
    runtime.shutdown_background();
    ended?;
    gone.map_err(|_| {
        Fault(format!(
            "{left} tasks still run after consumers and transport were closed"
        ))
    })
}

pub(in crate::testing::conformance) async fn the_end_keeps_its_deadline(stage: &Stage) -> Kept {
    const DEADLINE: Duration = Duration::from_secs(3);
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let mut member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    for number in 0..100 {
        let key = (number % 10).to_string();
        stage
            .publish(&*member.transport, event(topic, &key, number))
            .await?;
    }
    let arrival = stage.within("an event", arrivals.recv()).await?;
    // In flight it stays: the handler does not return before everything is closed.
    let transport = Arc::clone(&member.transport);
    let deadline = Instant::now() + DEADLINE;
    member.stop_intake();
    // What is lost with a broker in memory is named; on others nothing is.
    let left = member.close_consumers(deadline).await?;
    let durable = transport.capabilities().durable;
    ensure!(
        left.0.is_empty() || !durable,
        "a consumer could not be closed with events in flight: {}",
        left.0.join(", ")
    );
    let closed = timeout_at(deadline + GRACE, transport.close(deadline)).await;
    let left = closed.map_err(|_| Fault("the transport's `close` outlives its deadline".into()))?;
    ensure!(
        left.0.is_empty(),
        "the transport could not be closed with events in flight: {}",
        left.0.join(", ")
    );
    drop(arrival);
    stage
        .within("the pool to let go of its events", member.release_all())
        .await
}
