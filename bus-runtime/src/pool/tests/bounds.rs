//! N, M, B, D, a handler's share, and who is woken when there is room.

use super::super::{Grant, Limits};
use super::rig::{RETRY, Rig, Step, WIDE};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::advance;

/// A source that counts how often it is asked to look again.
fn counting(
    rig: &Rig,
) -> (
    super::super::PoolSource<super::rig::Script>,
    Arc<AtomicUsize>,
) {
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let wake = move || {
        count.fetch_add(1, Ordering::SeqCst);
    };
    (rig.pool.source(Arc::new(wake)), woken)
}

#[tokio::test(start_paused = true)]
async fn no_more_handlers_run_than_slots_and_shares_allow() {
    let limits = Limits {
        in_flight: 5,
        ..WIDE
    };
    let rig = Rig::new(limits, &[3, 5]);
    for key in 1..20 {
        rig.submit_to(&rig.source, 0, key, 1, &[Step::Gate("g")]);
    }
    rig.settle_down().await;
    assert_eq!(rig.pool.load().in_flight, 3, "a handler's share");
    for key in 101..120 {
        rig.submit_to(&rig.source, 1, key, 1, &[Step::Gate("g")]);
    }
    rig.settle_down().await;
    assert_eq!(rig.pool.load().in_flight, 5, "all slots");
    rig.script().gate("g").add_permits(1000);
    rig.settle_down().await;
    assert_eq!(rig.settled().len(), 38);
    assert_eq!(rig.script().running.lock().expect("not poisoned").1, 5);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_hog_leaves_room_and_is_asked_again_when_there_is_some() {
    let limits = Limits {
        in_flight: 1,
        buffer: 64,
        ..WIDE
    };
    let rig = Rig::new(limits, &[1]);
    let (hog, woken) = counting(&rig);
    let (quiet, _) = counting(&rig);
    let mut taken = 0;
    loop {
        let grant = hog.reserve(7, 7, 1);
        if grant.events == 0 {
            break;
        }
        for _ in 0..grant.events {
            rig.submit_to(&hog, 0, 1, 1, &[Step::Gate("g")]);
            taken += 1;
        }
        rig.settle_down().await;
    }
    let load = rig.pool.load();
    assert_eq!(load.in_flight, 1);
    // Half, less the floors of the two others.
    assert!((27..=29).contains(&load.buffered), "{load:?}");
    assert!(
        quiet.reserve(7, 7, 1).events > 0,
        "a quiet source still may"
    );
    quiet.give_back(Grant {
        events: 7,
        bytes: 7,
    });
    assert_eq!(woken.load(Ordering::SeqCst), 0);
    rig.script().gate("g").add_permits(taken);
    rig.settle_down().await;
    assert_eq!(woken.load(Ordering::SeqCst), 1, "asked again, once");
    assert_eq!(hog.reserve(7, 7, 1).events, 7);
    drop((hog, quiet));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_waiting_source_is_woken_by_what_another_frees() {
    let limits = Limits {
        in_flight: 1,
        buffer: 1,
        ..WIDE
    };
    let rig = Rig::new(limits, &[1]);
    rig.submit_to(&rig.source, 0, 1, 1, &[Step::Gate("g")]);
    rig.settle_down().await;
    assert_eq!(rig.source.reserve(1, 1, 1).events, 1);
    rig.submit_to(&rig.source, 0, 2, 1, &[Step::Done]);
    let (other, woken) = counting(&rig);
    assert_eq!(other.reserve(1, 1, 1), Grant::default());
    rig.script().gate("g").add_permits(1);
    rig.settle_down().await;
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    assert_eq!(other.reserve(1, 1, 1).events, 1);
    drop(other);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn room_that_is_given_back_wakes_whoever_waits_for_it() {
    let limits = Limits { buffer: 1, ..WIDE };
    let rig = Rig::new(limits, &[8]);
    let grant = rig.source.reserve(1, 1, 1);
    assert_eq!(grant.events, 1);
    let (other, woken) = counting(&rig);
    assert_eq!(other.reserve(1, 1, 1).events, 0);
    rig.source.give_back(grant);
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    drop(other);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn bytes_bound_what_is_held_but_an_empty_source_may_always_add_one() {
    let limits = Limits {
        buffer_bytes: 1000,
        ..WIDE
    };
    let rig = Rig::new(limits, &[8]);
    let (source, woken) = counting(&rig);
    let grant = source.reserve(10, 2000, 1);
    // Half, and half of the floor that another source has.
    assert_eq!((grant.events, grant.bytes), (10, 438));
    source.give_back(grant);
    assert_eq!(
        source.reserve(1, usize::MAX, usize::MAX),
        Grant {
            events: 1,
            bytes: usize::MAX
        }
    );
    rig.submit_to(&source, 0, 1, 5000, &[Step::Gate("g")]);
    assert_eq!(rig.pool.load().bytes, 5000);
    assert_eq!(source.reserve(1, 1, 1).events, 0);
    assert_eq!(
        source.reserve(1, usize::MAX, usize::MAX).events,
        0,
        "not empty"
    );
    let (other, _) = counting(&rig);
    assert_eq!(
        other.reserve(5, 5, 1),
        Grant {
            events: 1,
            bytes: usize::MAX
        }
    );
    other.give_back(Grant {
        events: 1,
        bytes: usize::MAX,
    });
    rig.settle_down().await;
    rig.script().gate("g").add_permits(1);
    rig.settle_down().await;
    assert_eq!(woken.load(Ordering::SeqCst), 1, "empty again");
    assert_eq!(rig.pool.load().bytes, 0);
    drop((source, other));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn where_the_delayed_are_full_their_sources_stop() {
    let limits = Limits { delayed: 2, ..WIDE };
    let rig = Rig::new(limits, &[8]);
    let (source, woken) = counting(&rig);
    for key in 1..=3 {
        rig.submit_to(&source, 0, key, 1, &[Step::Fail, Step::Done]);
    }
    rig.settle_down().await;
    let load = rig.pool.load();
    assert_eq!(
        (load.delayed, load.buffered),
        (2, 1),
        "the third counts as buffered again"
    );
    assert_eq!(rig.pool.delayed_full(), Some((2, vec![0])));
    assert_eq!(source.reserve(1, 1, 1).events, 0, "its source stops");
    assert_eq!(rig.source.reserve(1, 1, 1).events, 1, "another goes on");
    advance(RETRY).await;
    rig.settle_down().await;
    assert_eq!(rig.settled().len(), 3);
    assert_eq!(
        (woken.load(Ordering::SeqCst), rig.pool.delayed_full()),
        (1, None)
    );
    assert_eq!(source.reserve(1, 1, 1).events, 1);
    drop(source);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn room_among_the_delayed_lets_a_stopped_source_go_on() {
    let limits = Limits { delayed: 1, ..WIDE };
    let rig = Rig::new(limits, &[8]);
    let (source, woken) = counting(&rig);
    // A dead letter that is confirmed soon takes the room; a retry that is far away finds none.
    rig.submit_to(&rig.source, 0, 1, 1, &[Step::Die]);
    rig.settle_down().await;
    rig.submit_to(&source, 0, 2, 1, &[Step::Fail]);
    rig.settle_down().await;
    assert_eq!(
        (source.reserve(1, 1, 1).events, rig.pool.delayed_full()),
        (0, Some((1, vec![0])))
    );
    rig.confirm_burial();
    assert_eq!(
        (woken.load(Ordering::SeqCst), rig.pool.delayed_full()),
        (1, None)
    );
    assert_eq!((rig.pool.load().delayed, rig.pool.load().buffered), (1, 0));
    assert_eq!(source.reserve(1, 1, 1).events, 1);
    drop(source);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn stuck_sources_in_any_number_leave_the_others_their_part() {
    let limits = Limits {
        in_flight: 40,
        buffer: 640,
        ..WIDE
    };
    let rig = Rig::new(limits, &[40]);
    let sources: Vec<_> = (0..30).map(|_| counting(&rig).0).collect();
    let (healthy, _) = counting(&rig);
    for (at, source) in sources.iter().enumerate() {
        let identity = at as u64 + 100;
        while let grant @ Grant { events: 1.., .. } = source.reserve(8, 8, 1) {
            for _ in 0..grant.events {
                rig.submit_to(source, 0, identity, 1, &[Step::Stuck]);
            }
            rig.settle_down().await;
        }
    }
    for _ in 0..100 {
        assert_eq!(healthy.reserve(1, 1, 1).events, 1, "{:?}", rig.pool.load());
        rig.submit_to(&healthy, 0, 1, 1, &[Step::Done]);
        rig.settle_down().await;
    }
    assert_eq!(rig.settled().len(), 100);
    drop((sources, healthy));
    rig.pool.cancel();
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_large_event_behind_a_stuck_one_waits_for_its_own_room_only() {
    let limits = Limits {
        buffer_bytes: 1000,
        ..WIDE
    };
    let rig = Rig::new(limits, &[8]);
    let (source, woken) = counting(&rig);
    let (hog, _) = counting(&rig);
    rig.submit_to(&source, 0, 1, 100, &[Step::Stuck]);
    rig.submit_to(&hog, 0, 2, 600, &[Step::Gate("g")]);
    rig.settle_down().await;
    assert_eq!(source.reserve(1, 300, 300), Grant::default());
    rig.script().gate("g").add_permits(1);
    rig.settle_down().await;
    assert_eq!(woken.load(Ordering::SeqCst), 1, "nine tenths are free");
    assert_eq!(
        source.reserve(1, 300, 300),
        Grant {
            events: 1,
            bytes: 300
        }
    );
    drop((source, hog));
    rig.pool.cancel();
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_pool_has_no_tasks() {
    let rig = Rig::new(WIDE, &[8]);
    for key in 0..100 {
        rig.submit(key, &[Step::Done]);
    }
    rig.settle_down().await;
    assert_eq!(rig.settled().len(), 100);
    assert_eq!(rig.tasks.len(), 0);
    rig.end().await;
}
