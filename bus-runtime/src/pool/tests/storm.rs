//! Everything at once, on several threads, with random scripts.

use super::super::{Grant, Limits};
use super::rig::{Happened, Rig, Step};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

const EVENTS: u64 = 20_000;
const KEYS: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_event_is_settled_once_and_in_order_within_its_bounds() {
    let limits = Limits {
        in_flight: 16,
        buffer: 64,
        buffer_bytes: 256,
        delayed: 8,
        brake: None,
    };
    let rig = Arc::new(Rig::new(limits, &[14, 14, 14]));
    let mut sources = Vec::new();
    for at in 0..3 {
        let rig = Arc::clone(&rig);
        sources.push(tokio::spawn(async move {
            let woken = Arc::new(Notify::new());
            let wake = Arc::clone(&woken);
            let source = rig.pool.source(Arc::new(move || wake.notify_one()));
            let mut submitted = Vec::new();
            let mut left = EVENTS / 3;
            while left > 0 {
                let Grant { events, bytes } =
                    source.reserve(usize::try_from(left.min(5)).expect("small"), 40, 1);
                if events == 0 {
                    woken.notified().await;
                    continue;
                }
                for _ in 0..events {
                    let key = 1 + fastrand::u64(0..KEYS) * 3 + at;
                    let step = if fastrand::u8(0..4) == 0 {
                        Step::Yield
                    } else {
                        Step::Done
                    };
                    let id = rig.submit_to(
                        &source,
                        usize::try_from(at).expect("small"),
                        key,
                        4,
                        &[step],
                    );
                    submitted.push((key, id));
                    left -= 1;
                }
                source.give_back(Grant { events: 0, bytes });
                let load = rig.pool.load();
                assert!(
                    load.in_flight <= 16 && load.buffered <= 64 && load.bytes <= 256 + 40,
                    "{load:?}"
                );
            }
            submitted
        }));
    }
    let mut expected = HashMap::<u64, Vec<u64>>::new();
    let mut keys = HashMap::new();
    for source in sources {
        for (key, id) in source.await.expect("no source fails") {
            expected.entry(key).or_default().push(id);
            keys.insert(id, key);
        }
    }
    rig.pool.emptied().await;
    let mut settled = HashMap::<u64, Vec<u64>>::new();
    let mut running = HashMap::<u64, u64>::new();
    for happened in rig.log() {
        match happened {
            Happened::Began(id, _) => {
                assert_eq!(running.insert(keys[&id], id), None, "one at a time");
            }
            Happened::Settled(id) => {
                assert_eq!(running.remove(&keys[&id]), Some(id));
                settled.entry(keys[&id]).or_default().push(id);
            }
            Happened::Ended(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(settled, expected);
    Arc::into_inner(rig)
        .expect("the sources are gone")
        .end()
        .await;
}

/// What every attempt of an event does, at random.
fn steps() -> Vec<Step> {
    match fastrand::u8(0..10) {
        0 => vec![Step::FailSoon, Step::Yield, Step::Done],
        1 => vec![Step::FailSoon, Step::FailSoon, Step::Done],
        2 => vec![Step::Die],
        4 | 5 => vec![Step::Yield],
        _ => vec![Step::Done],
    }
}

/// Confirms and refuses burials at random until it is told to stop; then confirms what is left.
async fn undertaker(rig: Arc<Rig>, over: Arc<AtomicBool>) {
    loop {
        let burial = rig.script().burials.lock().expect("not poisoned").pop();
        match burial {
            Some((ticket, event)) if fastrand::bool() || over.load(Ordering::SeqCst) => {
                rig.pool.buried(ticket, event);
            }
            Some((ticket, event)) => rig.pool.bury_later(ticket, event, Duration::ZERO),
            None if over.load(Ordering::SeqCst) && rig.pool.held() == 0 => return,
            None => tokio::task::yield_now().await,
        }
    }
}

/// Failures, dead letters, a source that is revoked in the middle, and an end that comes too soon:
/// every event is settled or released, once, and what is settled of a key is so in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_done_twice_when_everything_goes_wrong() {
    for round in 0..40 {
        let limits = Limits {
            in_flight: 6,
            buffer: 32,
            buffer_bytes: 128,
            delayed: 4,
            // Failures of many events in a row brake a subscription now and then.
            brake: (round % 2 == 0).then_some(3),
        };
        let rig = Arc::new(Rig::new(limits, &[6, 6, 6]));
        let over = Arc::new(AtomicBool::new(false));
        let burying = tokio::spawn(undertaker(Arc::clone(&rig), Arc::clone(&over)));
        let mut sources = Vec::new();
        for at in 0..3_u64 {
            let rig = Arc::clone(&rig);
            sources.push(tokio::spawn(async move {
                let woken = Arc::new(Notify::new());
                let wake = Arc::clone(&woken);
                let source = rig.pool.source(Arc::new(move || wake.notify_one()));
                let mut submitted = Vec::new();
                while submitted.len() < 400 {
                    if at == 0 && submitted.len() >= 200 {
                        source.revoke(fastrand::bool());
                        break;
                    }
                    let grant = source.reserve(3, 24, 1);
                    for _ in 0..grant.events {
                        let key = 1 + fastrand::u64(0..5) * 3 + at;
                        let subscription = usize::try_from(at).expect("small");
                        submitted
                            .push((key, rig.submit_to(&source, subscription, key, 4, &steps())));
                    }
                    if grant.events == 0 {
                        woken.notified().await;
                    }
                    source.give_back(Grant {
                        events: 0,
                        bytes: grant.bytes,
                    });
                }
                // Its handle lives as long as its events.
                (source, submitted)
            }));
        }
        let mut keys = HashMap::new();
        let mut handles = Vec::new();
        for source in sources {
            let (source, submitted) = source.await.expect("no source fails");
            keys.extend(submitted.into_iter().map(|(key, id)| (id, key)));
            handles.push(source);
        }
        match round % 3 {
            0 => rig.pool.emptied().await,
            1 => rig.pool.close(),
            _ => rig.pool.cancel(),
        }
        over.store(true, Ordering::SeqCst);
        rig.pool.close();
        rig.pool.drained().await;
        burying.await.expect("it ends");
        let (mut last, mut ended) = (HashMap::new(), HashMap::new());
        for happened in rig.log() {
            let (id, is_settled) = match happened {
                Happened::Settled(id) => (id, true),
                Happened::Released(id) => (id, false),
                _ => continue,
            };
            assert_eq!(ended.insert(id, is_settled), None, "event {id} ended twice");
            if is_settled && let Some(before) = last.insert(keys[&id], id) {
                assert!(before < id, "{id} was settled after {before}");
            }
        }
        assert_eq!(ended.len(), keys.len(), "every event ends");
        drop(handles);
        Arc::into_inner(rig).expect("nobody has it").end().await;
    }
}
