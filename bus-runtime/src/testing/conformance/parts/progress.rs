//! What is held is not handled a second time.

use crate::pool::Limits;
use crate::testing::conformance::error::Kept;
use crate::testing::conformance::member::{Handle, Plan, ROOMY};
use crate::testing::conformance::stage::Stage;
use crate::testing::conformance::traffic::Traffic;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// How long handlers are busy: four times what the broker is set to wait.
const BUSY: Duration = Duration::from_secs(4);

pub(in crate::testing::conformance) async fn a_slow_handler_runs_once(stage: &Stage) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let traffic = Traffic::new(&[(topic, &group)]);
    let (open, gate) = watch::channel(false);
    let settling = traffic.settling();
    let gated: Handle = Arc::new(move |message, metadata| {
        let (settling, mut gate) = (Arc::clone(&settling), gate.clone());
        Box::pin(async move {
            // Begun, as the ledger sees it, once the wait is over: a second run would be a repetition.
            let running = settling(message, metadata);
            // The gate's end is the part's.
            drop(gate.wait_for(|open| *open).await);
            running.await
        })
    });
    // Some run, some wait in their key's queue, some for a slot.
    let plan = Plan {
        limits: Limits {
            in_flight: 3,
            ..ROOMY
        },
        ..Plan::new().on(topic, &group, &gated)
    };
    let member = stage.member(plan).await?;
    let keys = ["a", "b", "c", "d", "e"];
    for _ in 0..4 {
        for key in keys {
            traffic
                .publish(stage, &*member.transport, topic, key)
                .await?;
        }
    }
    stage
        .until("the events to be held", || member.held() == 4 * keys.len())
        .await?;
    // The one wait of the suite that nothing can end earlier: what must not happen in it is what is shown.
    sleep(BUSY).await;
    open.send_replace(true);
    traffic.settled(stage).await?;
    for key in keys {
        traffic
            .publish(stage, &*member.transport, topic, key)
            .await?;
    }
    traffic.settled(stage).await?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean()?;

    // Nor does it come to a successor, whom the broker would give what it still waits for.
    let successor = stage
        .member(Plan::new().on(topic, &group, &traffic.settling()))
        .await?;
    for key in keys {
        traffic
            .publish(stage, &*successor.transport, topic, key)
            .await?;
    }
    traffic.settled(stage).await?;
    successor.end(stage.suite().patient_for()).await?;
    traffic.clean()
}
