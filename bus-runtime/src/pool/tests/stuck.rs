//! Attempts that take long say so, once, and when they have ended.

use super::rig::{RETRY, Rig, Step, TIMEOUT, WIDE};
use tokio::time::{Instant, advance};

const LONG: std::time::Duration = RETRY;

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_long_says_so_once_and_when_it_has_ended() {
    let rig = Rig::new(WIDE, &[8]);
    let told = || rig.script().stuck.lock().expect("not poisoned").clone();
    let begun = Instant::now();
    let stuck = rig.submit(1, &[Step::Gate("g")]);
    rig.settle_down().await;
    advance(LONG / 2).await;
    let late = rig.submit(2, &[Step::Stuck, Step::Done]);
    rig.settle_down().await;
    rig.pool.ask_stuck(LONG);
    rig.settle_down().await;
    assert_eq!(told(), [], "not yet");
    advance(LONG / 2).await;
    for _ in 0..3 {
        rig.pool.ask_stuck(LONG);
        rig.settle_down().await;
    }
    let (run, first) = told()[0];
    assert_eq!((first, told().len()), (Some((stuck, begun)), 1));
    advance(LONG / 2).await;
    rig.pool.ask_stuck(LONG);
    rig.settle_down().await;
    let (other, second) = told()[1];
    assert_eq!(second, Some((late, begun + LONG / 2)));
    rig.script().gate("g").add_permits(1);
    rig.settle_down().await;
    assert_eq!(told()[2..], [(run, None)]);
    advance(TIMEOUT).await;
    rig.settle_down().await;
    assert_eq!(told()[3..], [(other, None)], "its time was over");
    rig.pool.ask_stuck(LONG);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_is_stuck_no_more() {
    let rig = Rig::new(WIDE, &[8]);
    for key in 1..5 {
        rig.submit(key, &[Step::Stuck]);
    }
    rig.settle_down().await;
    advance(LONG).await;
    rig.pool.ask_stuck(LONG);
    rig.settle_down().await;
    rig.pool.cancel();
    rig.settle_down().await;
    let told = rig.script().stuck.lock().expect("not poisoned").clone();
    let ended = told.iter().filter(|(_, since)| since.is_none());
    assert_eq!((told.len(), ended.count()), (8, 4));
    rig.end().await;
}
