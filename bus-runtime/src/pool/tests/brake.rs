//! An outage is not poison.

use super::super::Limits;
use super::rig::{RETRY, Rig, Step, WIDE, pass};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, advance};

const BRAKED: Limits = Limits {
    brake: Some(20),
    ..WIDE
};
const OUTAGE: Duration = Duration::from_mins(10);
/// Longer than the longest wait for a probe, with its backoff.
const SOON: Duration = Duration::from_mins(2);

/// A pool of two subscriptions, whose dependency is away.
fn away(brake: Option<u32>) -> Rig {
    let rig = Rig::new(Limits { brake, ..BRAKED }, &[8, 8]);
    rig.script().away.store(true, Ordering::Relaxed);
    rig
}

fn back(rig: &Rig) {
    rig.script().away.store(false, Ordering::Relaxed);
}

fn submit(rig: &Rig, keys: std::ops::Range<u64>, step: &Step) -> Vec<u64> {
    keys.map(|key| rig.submit(key, std::slice::from_ref(step)))
        .collect()
}

fn attempts(rig: &Rig, ids: &[u64]) -> usize {
    ids.iter().map(|id| rig.began(*id)).sum()
}

/// All of these were settled, and the subscription is well.
fn all_is_well(rig: &Rig, ids: &[u64]) {
    let mut settled = rig.settled();
    settled.sort_unstable();
    assert_eq!(settled, ids);
    assert!(
        matches!(rig.stands(), None | Some((false, 0))),
        "{:?}",
        rig.stands()
    );
}

/// The outage ends, and soon after it all is well.
async fn ends_well(rig: Rig, ids: &[u64]) {
    back(&rig);
    pass(SOON).await;
    all_is_well(&rig, ids);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_under_load_buries_nothing_and_everything_is_handled_after_it() {
    let rig = away(Some(20));
    let mut ids = submit(&rig, 1..300, &Step::Needs);
    pass(Duration::from_secs(5)).await;
    assert_eq!(rig.stands(), Some((true, 0)));
    let begun = attempts(&rig, &ids);
    for key in 300..360 {
        // Some of new keys, some behind others.
        ids.push(rig.submit(key, &[Step::Needs]));
        ids.push(rig.submit(key - 200, &[Step::Needs]));
        pass(OUTAGE / 60).await;
    }
    let probes = attempts(&rig, &ids) - begun;
    assert!(
        (15..=26).contains(&probes),
        "{probes} probes in ten minutes"
    );
    assert_eq!(rig.bury_all(), [0; 0]);
    ends_well(rig, &ids).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_brake_the_same_outage_buries_everything() {
    let rig = away(None);
    let ids = submit(&rig, 1..300, &Step::Needs);
    pass(OUTAGE).await;
    assert_eq!(rig.bury_all(), ids);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_with_one_single_event_buries_nothing() {
    let rig = away(Some(20));
    let ids = submit(&rig, 1..2, &Step::Needs);
    pass(OUTAGE).await;
    assert_eq!(
        rig.stands(),
        Some((false, 1)),
        "held, and nothing else waits"
    );
    assert!((20..40).contains(&attempts(&rig, &ids)));
    assert_eq!(rig.bury_all(), [0; 0]);
    ends_well(rig, &ids).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_in_which_one_attempt_of_twenty_succeeds_buries_nothing() {
    let rig = away(Some(20));
    rig.script().works.store(5, Ordering::Relaxed);
    let ids = submit(&rig, 1..900, &Step::Needs);
    pass(OUTAGE).await;
    let settled = rig.settled().len();
    assert!((1..600).contains(&settled), "{settled} succeeded");
    assert_eq!(rig.bury_all(), [0; 0]);
    ends_well(rig, &ids).await;
}

#[tokio::test(start_paused = true)]
async fn three_poison_keys_in_a_quiet_topic_neither_keep_an_outage_alive_nor_survive_it() {
    let rig = away(Some(20));
    let poison = submit(&rig, 1..4, &Step::Poison);
    let mut good = Vec::new();
    for key in 10..30 {
        good.push(rig.submit(key, &[Step::Needs]));
        pass(OUTAGE / 20).await;
    }
    assert_eq!(rig.bury_all(), [0; 0]);
    back(&rig);
    for key in 30..40 {
        good.push(rig.submit(key, &[Step::Needs]));
        pass(SOON).await;
    }
    assert_eq!(rig.bury_all(), poison);
    all_is_well(&rig, &[&*poison, &*good].concat());
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn three_poison_keys_are_buried_when_another_event_succeeds() {
    let rig = Rig::new(BRAKED, &[8]);
    let poison = submit(&rig, 1..4, &Step::Poison);
    pass(OUTAGE).await;
    assert_eq!(rig.bury_all(), [0; 0], "nobody knows whether it is them");
    let begun = Instant::now();
    let good = rig.submit(9, &[Step::Done]);
    while rig.settled() != [good] {
        pass(Duration::from_secs(1)).await;
    }
    assert!(
        begun.elapsed() <= Duration::from_secs(31),
        "{:?}",
        begun.elapsed()
    );
    pass(SOON).await;
    assert_eq!(rig.bury_all(), poison);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_deploy_buries_no_more_than_its_probes() {
    let rig = away(Some(20));
    let ids = submit(&rig, 1..300, &Step::CannotDo);
    pass(OUTAGE).await;
    assert_eq!(rig.stands(), Some((true, 0)));
    let buried = rig.bury_all();
    // Twenty in a row, those that ran beside them, and the probes.
    assert!((35..=55).contains(&buried.len()), "{} buried", buried.len());
    ends_well(rig, &ids).await;
}

#[tokio::test(start_paused = true)]
async fn one_poison_event_alone_is_buried_after_an_hour() {
    let rig = Rig::new(BRAKED, &[8]);
    let ids = submit(&rig, 1..2, &Step::Poison);
    pass(Duration::from_mins(59)).await;
    assert_eq!((rig.bury_all(), rig.stands()), (vec![], Some((false, 1))));
    pass(Duration::from_mins(3)).await;
    assert_eq!(rig.bury_all(), ids);
    assert_eq!(rig.stands(), Some((false, 0)));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn poison_among_good_events_is_buried_after_its_last_attempt() {
    let rig = Rig::new(BRAKED, &[8]);
    let poison = submit(&rig, 1..2, &Step::Poison);
    let behind = rig.submit(1, &[Step::Done]);
    pass(Duration::from_secs(1)).await;
    let good = rig.submit(2, &[Step::Done]);
    pass(Duration::from_secs(15)).await;
    assert_eq!(rig.began(poison[0]), 8);
    assert_eq!(rig.bury_all(), poison);
    rig.settle_down().await;
    assert_eq!(rig.settled(), [good, poison[0], behind]);
    assert_eq!(rig.stands(), None);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_failures_does_not_brake() {
    let rig = Rig::new(BRAKED, &[8]);
    submit(&rig, 1..60, &Step::Fail);
    rig.settle_down().await;
    let good = rig.submit(99, &[Step::Done]);
    rig.settle_down().await;
    assert_eq!((rig.settled(), rig.stands()), (vec![good], None));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn another_subscription_goes_on_and_order_holds() {
    let rig = away(Some(20));
    let mut ids = submit(&rig, 1..50, &Step::Needs);
    ids.extend(submit(&rig, 1..50, &Step::Needs));
    pass(Duration::from_secs(5)).await;
    let others: Vec<u64> = (0..200)
        .map(|key| rig.submit_to(&rig.source, 1, key + 1000, 1, &[Step::Yield]))
        .collect();
    rig.settle_down().await;
    rig.settle_down().await;
    rig.settle_down().await;
    let mut settled = rig.settled();
    settled.sort_unstable();
    assert_eq!(settled, others, "at once");
    back(&rig);
    pass(SOON).await;
    let settled = rig.settled();
    let at = |id: &u64| {
        settled
            .iter()
            .position(|other| other == id)
            .expect("settled")
    };
    for (first, second) in ids[..49].iter().zip(&ids[49..]) {
        assert!(at(first) < at(second));
    }
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_ends_does_not_keep_the_others_from_their_turn() {
    let rig = away(Some(20));
    submit(&rig, 1..40, &Step::Needs);
    pass(Duration::from_secs(3)).await;
    assert_eq!(rig.stands(), Some((true, 0)));
    let stuck = rig.submit(99, &[Step::Gate("never")]);
    while rig.began(stuck) == 0 {
        pass(Duration::from_secs(1)).await;
    }
    back(&rig);
    pass(Duration::from_mins(1) - Duration::from_secs(1)).await;
    assert_eq!(rig.settled().len(), 39);
    rig.pool.cancel();
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_brake_without_waiting_events_costs_no_task_and_lets_the_next_event_start_at_once() {
    let rig = away(Some(20));
    submit(&rig, 1..30, &Step::CannotDo);
    rig.settle_down().await;
    pass(SOON * 3).await;
    rig.bury_all();
    assert_eq!(rig.stands(), Some((true, 0)));
    pass(OUTAGE).await;
    rig.settle_down().await;
    assert_eq!(rig.tasks.len(), 0);
    let good = rig.submit(99, &[Step::Done]);
    rig.settle_down().await;
    assert_eq!(rig.settled().last(), Some(&good));
    assert_eq!(rig.stands(), Some((false, 0)));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_braked_subscription_stops_its_sources_when_the_delayed_are_full() {
    let limits = Limits {
        delayed: 30,
        ..BRAKED
    };
    let rig = Rig::new(limits, &[8]);
    rig.script().away.store(true, Ordering::Relaxed);
    submit(&rig, 1..60, &Step::Needs);
    pass(SOON).await;
    assert!(rig.pool.delayed_full().is_some());
    assert_eq!(rig.source.reserve(1, 1, 1).events, 0);
    back(&rig);
    pass(SOON).await;
    assert_eq!((rig.settled().len(), rig.pool.delayed_full()), (59, None));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_braked_pool_is_clean() {
    for cancel in [false, true] {
        let rig = away(Some(20));
        let ids = submit(&rig, 1..50, &Step::Needs);
        pass(Duration::from_secs(20)).await;
        if cancel {
            rig.pool.cancel();
        }
        let begun = Instant::now();
        rig.pool.close();
        rig.pool.drained().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let mut released = rig.released();
        released.sort_unstable();
        assert_eq!(released, ids);
        rig.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_source_takes_what_it_had_held_with_it() {
    let rig = Rig::new(BRAKED, &[8]);
    let revoked = rig.pool.source(std::sync::Arc::new(|| {}));
    rig.submit_to(&revoked, 0, 1, 1, &[Step::Poison]);
    pass(SOON).await;
    assert_eq!(rig.stands(), Some((false, 1)));
    revoked.revoke(false);
    assert_eq!(rig.stands(), Some((false, 0)));
    drop(revoked);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn lifted_brakes_hold_nothing() {
    let rig = away(Some(20));
    let ids = submit(&rig, 1..40, &Step::Needs);
    let held = rig.submit_to(&rig.source, 1, 99, 1, &[Step::Poison]);
    pass(OUTAGE).await;
    assert_eq!(rig.bury_all(), [0; 0]);
    rig.pool.lift_brakes();
    rig.settle_down().await;
    assert_eq!(rig.bury_all(), [held], "at once");
    pass(SOON).await;
    assert_eq!(rig.bury_all(), ids, "after their attempts");
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_cannot_be_stored_is_no_failure_of_the_handler() {
    let rig = Rig::new(BRAKED, &[8]);
    submit(&rig, 1..10, &Step::Die);
    rig.settle_down().await;
    for _ in 0..30 {
        for _ in 0..9 {
            rig.refuse_burial();
        }
        advance(RETRY).await;
        rig.settle_down().await;
    }
    assert_eq!(rig.stands(), None);
    rig.bury_all();
    rig.end().await;
}
