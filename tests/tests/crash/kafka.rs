//! Two processes of one group on Kafka, of which one is killed each time: its partitions go to the other, and come
//! back to the next.

use crate::{
    A_LIFE, Found, KEYS, KILLS, dead_letters, poisoned, published, rng, until_some_moment,
};
use bus_runtime::prelude::*;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::alone::{alone, figure, runtime};
use tests::broker::Kafka;
use tests::load::{Load, PARTITIONS, TOPICS};
use tests::members::Members;
use tests::patience::PATIENCE;
use tokio::sync::Semaphore;

/// Events that are published when nothing happens while a member is waited for.
const TRICKLE: usize = 10;

/// How long a server may take to tell an offset.
const ASKING: Duration = Duration::from_secs(10);

/// Publishes, kills one of two members `kills` times meanwhile, and lets the last two settle what is left, until
/// everything is settled or no step comes for `quiet`. With `early`, they acknowledge what they have not settled.
fn run(kills: usize, early: bool, quiet: Duration) -> Found {
    let load = Load {
        keys: KEYS,
        // Half as much again for the times when the group waits for the session of a killed member to end.
        each: (kills * A_LIFE) as u64 * 3 / 2 / u64::from(KEYS),
        tasks: 100,
    };
    let kafka = Kafka::start();
    let (mut rng, runtime) = (rng(), runtime());
    let mut members = Members::new(env!("CARGO_BIN_EXE_crash-service"), kafka.url());
    let arguments: &[&str] = if early { &["early", "stuck=1000"] } else { &[] };
    for _ in 0..2 {
        let member = members.start(arguments);
        members.until_up(member);
    }
    let pace = Arc::new(Semaphore::new(0));
    let config = Config::new(kafka.url()).kafka_partitions(PARTITIONS);
    let mut publishing = runtime.spawn({
        let (pace, config) = (Arc::clone(&pace), config.clone());
        async move {
            let publisher = Publisher::connect(config).await.expect("it connects");
            load.publish(&publisher, pace, |_| ()).await;
            publisher.shutdown().await.expect("nothing is left");
        }
    });
    if early {
        // A backlog: what a life has fetched and not begun is much.
        pace.add_permits(Semaphore::MAX_PERMITS);
        published(&runtime, &mut publishing);
    }
    for _ in 0..kills {
        if early {
            let before = members.history.settled();
            until_lost(&mut members, &kafka, before + 3500);
            members.kill(members.number(0));
            members.start(&["early"]);
            continue;
        }
        if rng.bool() {
            // Else it is killed before it has joined, or while the group makes room for it.
            until_both_work(&mut members, &pace);
        }
        pace.add_permits(A_LIFE);
        until_some_moment(&mut members, &mut rng);
        members.kill(members.number(rng.usize(..2)));
        members.start(&[]);
    }
    if !early {
        pace.add_permits(usize::try_from(load.events()).expect("not so many"));
        published(&runtime, &mut publishing);
    }
    while members.history.settled() < load.events() && members.read(quiet) {}
    let lost = members.lost(load.iter());
    let ids = || runtime.block_on(dead_letters(&config));
    if lost.is_empty() {
        // The last dead letters are on their way.
        let deadline = Instant::now() + PATIENCE;
        while BTreeSet::from_iter(ids()).len() < poisoned(load).len() {
            assert!(Instant::now() < deadline, "dead letters are missing");
        }
    }
    let history = members.close();
    Found {
        load,
        history,
        lost,
        dead: ids(),
    }
}

/// Reads until both members have handled something; meanwhile there is something to handle, but so little that one
/// member alone does not use up the load while the group waits for the session of a killed one.
fn until_both_work(members: &mut Members, pace: &Semaphore) {
    let both = [0, 1].map(|at| members.number(at));
    let deadline = Instant::now() + PATIENCE;
    while !both.iter().all(|member| members.history.knows(*member)) {
        let known = both.map(|member| members.history.knows(member));
        assert!(
            Instant::now() < deadline,
            "of {both:?} only {known:?} have handled something; {} settled, {} permits left",
            members.history.settled(),
            pace.available_permits()
        );
        if !members.read(Duration::from_millis(20)) {
            pace.add_permits(TRICKLE);
        }
    }
}

/// Reads until the group's offsets say that the server has forgotten events that the members, which get stuck after
/// 1000 attempts, have not handled.
fn until_lost(members: &mut Members, kafka: &Kafka, more_than: u64) {
    let deadline = Instant::now() + PATIENCE;
    while committed(kafka) <= more_than {
        while members.read(Duration::from_millis(10)) {}
        assert!(Instant::now() < deadline, "nothing is acknowledged early");
    }
}

/// The sum of the group's offsets: how many events the server takes for handled.
fn committed(kafka: &Kafka) -> u64 {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.servers())
        .set("group.id", "crash")
        .create()
        .expect("the settings are right");
    let mut partitions = TopicPartitionList::new();
    for topic in TOPICS {
        partitions.add_partition_range(topic, 0, i32::try_from(PARTITIONS).expect("few") - 1);
    }
    let offsets = client.committed_offsets(partitions, ASKING);
    let offsets = offsets.expect("the server tells them");
    let of_each = offsets.elements();
    let offsets = of_each.iter().map(|partition| match partition.offset() {
        Offset::Offset(offset) => u64::try_from(offset).expect("an offset"),
        _ => 0,
    });
    offsets.sum()
}

#[test]
fn regression_21_nothing_is_lost_however_often_one_of_two_processes_is_killed() {
    alone(
        "kafka::regression_21_nothing_is_lost_however_often_one_of_two_processes_is_killed",
        || {
            let begun = Instant::now();
            let found = run(KILLS, false, PATIENCE);
            let (history, poisoned) = (&found.history, poisoned(found.load));
            assert_eq!(history.broken, Vec::<String>::new());
            let lost: Vec<String> = found.lost.iter().map(|event| event.id()).collect();
            assert_eq!(lost, Vec::<String>::new());
            let poisoned = BTreeSet::from_iter(poisoned);
            assert_eq!(history.dead(), poisoned);
            let letters = found.dead.len();
            assert_eq!(BTreeSet::from_iter(found.dead), poisoned);
            figure(format_args!(
                "crash on Kafka: {KILLS} × kill -9 of one of two: {} published, {} settled, {} of them dead ({letters} letters), \
         0 lost, 0 out of order, {} repeated after a crash, {} after a partition moved, {} attempts failed; {:.0?}",
                found.load.events(),
                history.settled(),
                poisoned.len(),
                history.repeated,
                history.moved,
                history.failed,
                begun.elapsed()
            ));
        },
    );
}

#[test]
fn acknowledged_before_it_is_settled_it_is_lost() {
    alone(
        "kafka::acknowledged_before_it_is_settled_it_is_lost",
        || {
            let found = run(2, true, Duration::from_secs(5));
            // Not only late: later events of their keys are settled.
            let lost = found.lost.iter();
            let lost = lost.filter(|event| found.history.overtook(**event)).count();
            assert!(lost >= 1000, "the mistake is not found: {lost}");
            figure(format_args!(
                "crash on Kafka: acknowledged early, 2 × kill -9: {lost} of {} lost",
                found.load.events()
            ));
        },
    );
}
