//! Order within a key, and nothing held up outside it.

use super::rig::{Happened, RETRY, Rig, Step, TIMEOUT, WIDE};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn events_of_a_key_run_one_after_the_other() {
    let rig = Rig::new(WIDE, &[8]);
    let ids: Vec<u64> = (0..5).map(|_| rig.submit(1, &[Step::Yield])).collect();
    rig.settle_down().await;
    assert_eq!(rig.settled(), ids);
    let expected: Vec<Happened> = ids
        .iter()
        .flat_map(|id| {
            [
                Happened::Began(*id, 1),
                Happened::Ended(*id),
                Happened::Settled(*id),
            ]
        })
        .collect();
    assert_eq!(rig.log(), expected);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_stuck_key_holds_up_no_other() {
    let rig = Rig::new(WIDE, &[8]);
    rig.submit(1, &[Step::Stuck]);
    rig.submit(1, &[Step::Done]);
    let other = rig.submit(2, &[Step::Yield]);
    rig.settle_down().await;
    assert_eq!(rig.settled(), [other]);
    rig.pool.cancel();
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn events_without_a_key_run_side_by_side() {
    let rig = Rig::new(WIDE, &[8]);
    for _ in 0..4 {
        rig.submit(0, &[Step::Gate("g")]);
    }
    rig.settle_down().await;
    assert_eq!(rig.pool.load().in_flight, 4);
    rig.script().gate("g").add_permits(4);
    rig.settle_down().await;
    assert_eq!(rig.settled().len(), 4);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_keeps_its_place_and_holds_no_slot() {
    let limits = super::super::Limits {
        in_flight: 1,
        ..WIDE
    };
    let rig = Rig::new(limits, &[1]);
    let first = rig.submit(1, &[Step::Fail, Step::Done]);
    let second = rig.submit(1, &[Step::Done]);
    let other = rig.submit(2, &[Step::Done]);
    rig.settle_down().await;
    assert_eq!(
        rig.settled(),
        [other],
        "the only slot is free while the first waits"
    );
    assert_eq!((rig.pool.load().delayed, rig.pool.load().buffered), (1, 1));
    advance(RETRY).await;
    rig.settle_down().await;
    assert_eq!(rig.settled(), [other, first, second]);
    assert_eq!(rig.began(first), 2);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_runs_too_long_is_dropped_and_tried_again() {
    let rig = Rig::new(WIDE, &[8]);
    let slow = rig.submit(1, &[Step::Stuck, Step::Done]);
    let behind = rig.submit(1, &[Step::Done]);
    rig.settle_down().await;
    advance(TIMEOUT).await;
    rig.settle_down().await;
    assert_eq!(rig.log(), [Happened::Began(slow, 1), Happened::Ended(slow)]);
    advance(RETRY).await;
    rig.settle_down().await;
    assert_eq!(rig.settled(), [slow, behind]);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_failure_of_its_attempt_alone() {
    for step in [
        Step::PanicAtBegin,
        Step::Panic,
        Step::PanicAtDrop,
        Step::PanicAtJudge,
    ] {
        let rig = Rig::new(WIDE, &[8]);
        let bad = rig.submit(1, &[step, Step::Done]);
        let behind = rig.submit(1, &[Step::Done]);
        let other = rig.submit(2, &[Step::Done]);
        rig.settle_down().await;
        assert_eq!(rig.settled(), [other]);
        advance(RETRY).await;
        rig.settle_down().await;
        assert_eq!(rig.settled(), [other, bad, behind]);
        rig.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_confirmed_before_its_key_goes_on() {
    let rig = Rig::new(WIDE, &[8]);
    let dead = rig.submit(1, &[Step::Die]);
    let behind = rig.submit(1, &[Step::Done]);
    rig.settle_down().await;
    assert_eq!(
        (
            rig.began(behind),
            rig.pool.load().in_flight,
            rig.pool.load().delayed
        ),
        (0, 0, 1)
    );
    rig.refuse_burial();
    advance(RETRY).await;
    rig.settle_down().await;
    assert_eq!(rig.log().last(), Some(&Happened::Bury(dead, 2)));
    assert_eq!(rig.began(behind), 0);
    rig.confirm_burial();
    rig.settle_down().await;
    assert_eq!(rig.settled(), [dead, behind]);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_flooded_subscription_does_not_starve_another() {
    let limits = super::super::Limits {
        in_flight: 2,
        ..WIDE
    };
    let rig = Rig::new(limits, &[1, 1]);
    for key in 0..100 {
        rig.submit_to(&rig.source, 0, key + 10, 1, &[Step::Yield]);
    }
    let quiet = rig.submit_to(&rig.source, 1, 1, 1, &[Step::Done]);
    rig.settle_down().await;
    let place = rig
        .settled()
        .iter()
        .position(|id| *id == quiet)
        .expect("handled");
    assert!(place <= 16, "its turn came after {place} others");
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn turns_go_round_after_a_quantum() {
    let limits = super::super::Limits {
        in_flight: 1,
        ..WIDE
    };
    let rig = Rig::new(limits, &[8, 8]);
    rig.submit_to(&rig.source, 0, 1, 1, &[Step::Gate("g")]);
    rig.settle_down().await;
    let hog: Vec<u64> = (0..20)
        .map(|key| rig.submit_to(&rig.source, 0, key + 10, 1, &[Step::Done]))
        .collect();
    let quiet = rig.submit_to(&rig.source, 1, 1, 1, &[Step::Done]);
    rig.script().gate("g").add_permits(1);
    rig.settle_down().await;
    let settled = rig.settled();
    let place = settled.iter().position(|id| *id == quiet).expect("handled");
    assert!(place <= 9, "its turn came after {place} others");
    assert_eq!(settled.len(), hog.len() + 2);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_never_comes_holds_up_its_own_key_alone() {
    let rig = Rig::new(WIDE, &[1]);
    rig.submit(1, &[Step::FailForever]);
    rig.submit(2, &[Step::FailForever]);
    let other = rig.submit(3, &[Step::Done]);
    rig.settle_down().await;
    assert_eq!((rig.settled(), rig.pool.load().delayed), (vec![other], 2));
    rig.end().await;
}
