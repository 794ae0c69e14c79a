//! The end of the pool, and of one source of it.

use super::rig::{Happened, RETRY, Rig, Step, WIDE};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::{advance, timeout};

#[tokio::test(start_paused = true)]
async fn closing_releases_what_has_not_begun_and_lets_the_rest_end() {
    let rig = Rig::new(WIDE, &[8]);
    let running = rig.submit(1, &[Step::Gate("g")]);
    let follower = rig.submit(1, &[Step::Done]);
    let failing = rig.submit(2, &[Step::Fail]);
    rig.settle_down().await;
    rig.pool.close();
    rig.settle_down().await;
    assert_eq!(
        rig.released()
            .iter()
            .collect::<std::collections::BTreeSet<_>>(),
        [follower, failing].iter().collect()
    );
    assert!(
        timeout(RETRY, rig.pool.drained()).await.is_err(),
        "one still runs"
    );
    let late = rig.submit(3, &[Step::Done]);
    assert_eq!(
        rig.released().last(),
        Some(&late),
        "what comes late is released"
    );
    rig.script().gate("g").add_permits(1);
    rig.settle_down().await;
    assert_eq!(rig.settled(), [running]);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_or_dies_while_the_pool_closes_is_released() {
    let rig = Rig::new(WIDE, &[8]);
    // Both wait once before they fail: a timeout is how a script waits.
    let failing = rig.submit(1, &[Step::Stuck]);
    rig.settle_down().await;
    rig.pool.close();
    advance(super::rig::TIMEOUT).await;
    rig.settle_down().await;
    assert_eq!(rig.released(), [failing]);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn cancelling_drops_handlers_and_releases_their_events() {
    let rig = Rig::new(WIDE, &[8]);
    let stuck = rig.submit(1, &[Step::Stuck]);
    rig.settle_down().await;
    rig.pool.cancel();
    rig.settle_down().await;
    // Nothing of the handler is left when its event is given back.
    let expected = [
        Happened::Began(stuck, 1),
        Happened::Ended(stuck),
        Happened::Released(stuck),
    ];
    assert_eq!(rig.log(), expected);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_burial_under_way_is_waited_for_and_a_refused_one_released() {
    let rig = Rig::new(WIDE, &[8]);
    let dead = rig.submit(1, &[Step::Die]);
    let refused = rig.submit(2, &[Step::Die]);
    rig.settle_down().await;
    rig.pool.close();
    assert!(
        timeout(RETRY, rig.pool.drained()).await.is_err(),
        "two are being buried"
    );
    rig.confirm_burial();
    rig.refuse_burial();
    assert_eq!((rig.settled(), rig.released()), (vec![dead], vec![refused]));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_burial_that_waits_is_released_when_the_pool_closes() {
    let rig = Rig::new(WIDE, &[8]);
    let dead = rig.submit(1, &[Step::Die]);
    rig.settle_down().await;
    rig.refuse_burial();
    rig.pool.close();
    assert_eq!(rig.released(), [dead]);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_revoked_source_is_drained_while_the_others_go_on() {
    let rig = Rig::new(WIDE, &[8]);
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let revoked = rig.pool.source(Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    let running = rig.submit_to(&revoked, 0, 1, 1, &[Step::Gate("g")]);
    let behind = rig.submit_to(&revoked, 0, 1, 1, &[Step::Done]);
    let delayed = rig.submit_to(&revoked, 0, 2, 1, &[Step::Fail]);
    rig.settle_down().await;
    revoked.revoke(false);
    assert_eq!(rig.released(), [behind, delayed]);
    assert_eq!((revoked.held(), woken.load(Ordering::SeqCst)), (1, 0));
    assert_eq!(revoked.reserve(1, 1, 1).events, 0);
    // The partition came back: its next owner's events wait for what still runs.
    let successor = rig.pool.source(Arc::new(|| {}));
    let next = rig.submit_to(&successor, 0, 1, 1, &[Step::Done]);
    let other = rig.submit_to(&successor, 0, 3, 1, &[Step::Done]);
    rig.settle_down().await;
    assert_eq!(rig.settled(), [other]);
    rig.script().gate("g").add_permits(1);
    rig.settle_down().await;
    assert_eq!(rig.settled(), [other, running, next]);
    assert_eq!(
        (revoked.held(), woken.load(Ordering::SeqCst)),
        (0, 1),
        "drained, and woken for it"
    );
    drop((revoked, successor));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_source_loses_its_handlers_and_no_other_does() {
    let rig = Rig::new(WIDE, &[8]);
    let revoked = rig.pool.source(Arc::new(|| {}));
    let cancelled = rig.submit_to(&revoked, 0, 1, 1, &[Step::Stuck]);
    let kept = rig.submit(2, &[Step::Gate("g")]);
    // Behind the cancelled one, of another source: it goes on.
    let behind = rig.submit(1, &[Step::Done]);
    rig.settle_down().await;
    revoked.revoke(true);
    rig.settle_down().await;
    assert_eq!(
        (rig.released(), rig.settled()),
        (vec![cancelled], vec![behind])
    );
    rig.script().gate("g").add_permits(1);
    rig.settle_down().await;
    assert_eq!(rig.settled(), [behind, kept]);
    drop(revoked);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_its_source_was_revoked_is_released() {
    let rig = Rig::new(WIDE, &[8]);
    let revoked = rig.pool.source(Arc::new(|| {}));
    let failing = rig.submit_to(&revoked, 0, 1, 1, &[Step::Stuck]);
    rig.settle_down().await;
    revoked.revoke(false);
    advance(super::rig::TIMEOUT).await;
    rig.settle_down().await;
    assert_eq!((rig.released(), revoked.held()), (vec![failing], 0));
    drop(revoked);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_a_timer_that_has_nothing_left() {
    let rig = Rig::new(WIDE, &[8]);
    rig.submit(1, &[Step::Gate("g")]);
    rig.settle_down().await;
    rig.pool.close();
    rig.script().gate("g").add_permits(1);
    let begun = tokio::time::Instant::now();
    rig.pool.drained().await;
    assert_eq!(begun.elapsed(), std::time::Duration::ZERO);
    rig.end().await;
}
