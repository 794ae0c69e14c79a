//! Sources that come and go.

use crate::testing::conformance::error::Kept;
use crate::testing::conformance::member::Plan;
use crate::testing::conformance::stage::Stage;
use crate::testing::conformance::traffic::Traffic;

pub(in crate::testing::conformance) async fn a_source_changes_hands_without_overlap(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let traffic = Traffic::new(&[(topic, &group)]);
    let publisher = stage.connect().await?;
    let keys: Vec<String> = (0..40).map(|key| format!("k{key}")).collect();
    let publish = async || {
        for key in &keys {
            traffic.publish(stage, &*publisher, topic, key).await?;
        }
        Kept::Ok(())
    };
    let member = || stage.member(Plan::new().on(topic, &group, &traffic.settling()));
    publish().await?;
    let mut oldest = member().await?;
    for _ in 0..6 {
        publish().await?;
        let newest = member().await?;
        publish().await?;
        oldest.end(stage.suite().patient_for()).await?;
        publish().await?;
        oldest = newest;
    }
    traffic.settled(stage).await?;
    oldest.end(stage.suite().patient_for()).await?;
    stage.close(&*publisher).await?;
    // A member that loses a source without warning leaves events to its successor that it has handled.
    traffic.clean_but_repeated()
}
