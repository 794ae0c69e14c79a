//! Order per key.

use crate::testing::conformance::error::Kept;
use crate::testing::conformance::member::Plan;
use crate::testing::conformance::stage::Stage;
use crate::testing::conformance::traffic::Traffic;
use futures_util::future::join_all;

pub(in crate::testing::conformance) async fn awaited_publishes_keep_their_order(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let traffic = Traffic::new(&[(topic, &group)]);
    let member = stage
        .member(Plan::new().on(topic, &group, &traffic.settling()))
        .await?;
    for _ in 0..150 {
        for key in ["a", "", "Grüße"] {
            traffic
                .publish(stage, &*member.transport, topic, key)
                .await?;
        }
    }
    traffic.settled(stage).await?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean()
}

pub(in crate::testing::conformance) async fn many_publishers_keep_the_order_of_each_key(
    stage: &Stage,
) -> Kept {
    let topics = [stage.topic("one"), stage.topic("two")];
    let group = stage.group("g");
    let traffic = Traffic::new(&[(topics[0], &group), (topics[1], &group)]);
    let handle = traffic.settling();
    let plan = Plan::new()
        .on(topics[0], &group, &handle)
        .on(topics[1], &group, &handle);
    let member = stage.member(plan).await?;
    let publishers = (0..8).map(|publisher| {
        let (traffic, member) = (&traffic, &member);
        async move {
            for _ in 0..20 {
                for key in 0..8 {
                    let key = format!("{publisher}-{key}");
                    for topic in topics {
                        traffic
                            .publish(stage, &*member.transport, topic, &key)
                            .await?;
                    }
                }
            }
            Ok(())
        }
    });
    join_all(publishers).await.into_iter().collect::<Kept>()?;
    traffic.settled(stage).await?;
    member.end(stage.suite().patient_for()).await?;
    traffic.clean()
}
